"""The bundled model, or another of its kind, as the host's own MODEL, CLIP and VAE objects.

A file's metadata may give other sizes than the bundled model's, as JSON: ``denoiser`` (parameters
of ``UNetModel``; of ``MMDiT`` where ``network`` is "auraflow", of ``NextDiT`` where "lumina2") and
``text_encoder``. Weights may be in 8 bits, and a file without an autoencoder shares the bundled
model's.
"""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.model_sampling
import comfy.sd
import comfy.sd1_clip
import comfy.supported_models_base
import comfy.utils
import folder_paths
import torch
from torch import Tensor

from . import eight_bits
from .architecture import (
    AUTOENCODER,
    DENOISER,
    FLOW_SHIFT,
    LATENT_CHANNELS,
    TEXT_ENCODER,
    TEXT_TOKENS,
    TEXT_WIDTH,
)

WEIGHTS = Path(__file__).parent / "weights.safetensors"
SHARED = re.compile(r"autoencoder\.|preview\.")
VOCABULARY = 49408  # tokens of Stable Diffusion 1.x
FLOWS = {"auraflow": comfy.model_base.AuraFlow, "lumina2": comfy.model_base.Lumina2}
"""The host's classes of models whose denoiser answers with the flow's velocity, by ``network``."""


class DemoModel(NamedTuple):
    """Model, text encoder and autoencoder, as a checkpoint loader gives them."""

    model: comfy.model_patcher.ModelPatcher
    clip: comfy.sd.CLIP
    vae: comfy.sd.VAE


class DemoLatentFormat(comfy.latent_formats.LatentFormat):
    """Latents of variance about 1; the factors give the host's live previews their colours."""

    latent_channels = LATENT_CHANNELS

    def __init__(self, rgb_factors: list[list[float]], rgb_bias: list[float]) -> None:
        self.latent_rgb_factors = rgb_factors
        self.latent_rgb_factors_bias = rgb_bias


class DemoConfig(comfy.supported_models_base.BASE):
    """A Stable Diffusion 1.x in small, an AuraFlow or a Lumina 2."""

    unet_extra_config: ClassVar[dict[str, Any]] = {}
    memory_usage_factor = 1.0

    def inpaint_model(self) -> bool:
        return False


class CleanLatentPrediction(comfy.model_sampling.ModelSamplingDiscrete, comfy.model_sampling.X0):
    """The noise schedule of Stable Diffusion 1.x; the denoiser answers with the clean latent."""


class DemoTokenizer(comfy.sd1_clip.SDTokenizer):
    def __init__(
        self,
        embedding_directory: str | None = None,
        tokenizer_data: dict[str, Any] | None = None,
        width: int = TEXT_WIDTH,
    ) -> None:
        super().__init__(
            max_length=TEXT_TOKENS,
            embedding_directory=embedding_directory,
            embedding_size=width,
            tokenizer_data=tokenizer_data or {},
        )


class DemoTextEncoder(comfy.sd1_clip.SDClipModel):
    def __init__(
        self,
        device: str = "cpu",
        dtype: torch.dtype | None = None,
        model_options: dict[str, Any] | None = None,
        sizes: dict[str, Any] = TEXT_ENCODER,
    ) -> None:
        super().__init__(
            device=device,
            max_length=TEXT_TOKENS,
            textmodel_json_config=dict(sizes),
            dtype=dtype,
            model_options=model_options or {},
            return_projected_pooled=False,
        )


class DemoTextTarget(comfy.supported_models_base.ClipTarget):
    """Tokenizer and text encoder of these sizes, parameters of ``CLIPTextModel``."""

    def __init__(self, sizes: dict[str, Any] = TEXT_ENCODER) -> None:
        tokenizer: Any = partial(DemoTokenizer, width=sizes["hidden_size"])
        encoder: Any = partial(DemoTextEncoder, sizes=sizes)
        super().__init__(
            partial(comfy.sd1_clip.SD1Tokenizer, tokenizer=tokenizer),
            partial(comfy.sd1_clip.SD1ClipModel, clip_model=encoder),
        )


def load_demo_model(path: Path = WEIGHTS) -> DemoModel:
    """Load a file's weights onto the devices and in the precision that the host chooses.

    Raises FileNotFoundError when the file is missing, as in a clone without large files.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"The demo model's weights are missing: {path}. Clone the repository again."
        )
    weights, given = _read(path)
    if not any(map(SHARED.match, weights)):
        weights |= {name: it for name, it in _read(WEIGHTS)[0].items() if SHARED.match(name)}
    denoiser, text_encoder = (
        json.loads(given[part]) if part in given else bundled
        for part, bundled in (("denoiser", DENOISER), ("text_encoder", TEXT_ENCODER))
    )
    config = DemoConfig(denoiser)
    config.latent_format = _preview_format(_part(weights, "preview."))
    return DemoModel(
        _load_denoiser(_part(weights, "denoiser."), config, given.get("network", "unet")),
        _load_text_encoder(_part(weights, "text."), text_encoder),
        _load_autoencoder(_part(weights, "autoencoder.")),
    )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A file's weights and metadata."""
    loaded: Any = comfy.utils.load_torch_file(str(path), safe_load=True, return_metadata=True)
    return eight_bits.unpacked(loaded[0]), loaded[1] or {}


def _part(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in weights.items()
        if name.startswith(prefix)
    }


def _preview_format(preview: dict[str, Tensor]) -> DemoLatentFormat:
    return DemoLatentFormat(preview["rgb_factors"].tolist(), preview["rgb_bias"].tolist())


def _load_denoiser(
    weights: dict[str, Tensor], config: DemoConfig, network: str
) -> comfy.model_patcher.ModelPatcher:
    management = comfy.model_management
    load_device, offload_device = management.get_torch_device(), management.unet_offload_device()
    parameters = comfy.utils.calculate_parameters(weights)
    dtype = management.unet_dtype(
        model_params=parameters, supported_dtypes=config.supported_inference_dtypes
    )
    config.set_inference_dtype(
        dtype, management.unet_manual_cast(dtype, load_device, config.supported_inference_dtypes)
    )
    if network in FLOWS:
        config.sampling_settings = {"multiplier": 1.0, "shift": FLOW_SHIFT}
        model: Any = FLOWS[network](config, device=offload_device)
    else:
        eps = comfy.model_base.ModelType.EPS
        model = comfy.model_base.BaseModel(config, eps, device=offload_device)
        model.model_sampling = CleanLatentPrediction(config)
    # Hosts that stream weights keep them in the precision they come in, and their plain patcher
    # does not convert them at use.
    model.diffusion_model.load_state_dict(
        {name: value.to(dtype) for name, value in weights.items()}
    )
    return comfy.model_patcher.ModelPatcher(model, load_device, offload_device)


def _load_text_encoder(weights: dict[str, Tensor], sizes: dict[str, Any]) -> comfy.sd.CLIP:
    """Rows of tokens that no caption used are zero: such a word means nothing to the model."""
    rows, known = weights.pop("token_rows"), weights.pop("token_ids")
    table = torch.zeros(VOCABULARY, rows.shape[1], dtype=rows.dtype)
    table[known.long()] = rows
    weights["text_model.embeddings.token_embedding.weight"] = table
    clip = comfy.sd.CLIP(
        DemoTextTarget(sizes),
        embedding_directory=folder_paths.get_folder_paths("embeddings"),
        parameters=comfy.utils.calculate_parameters(weights),
    )
    clip.load_sd(
        {f"clip_l.transformer.{name}": value for name, value in weights.items()}, full_model=True
    )
    return clip


def _load_autoencoder(weights: dict[str, Tensor]) -> comfy.sd.VAE:
    vae = comfy.sd.VAE(sd=weights, config={"params": AUTOENCODER})
    vae.latent_channels = LATENT_CHANNELS
    return vae
