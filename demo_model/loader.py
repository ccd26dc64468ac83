"""The bundled model as the host's own MODEL, CLIP and VAE objects."""

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

from .architecture import (
    AUTOENCODER,
    DENOISER,
    LATENT_CHANNELS,
    TEXT_ENCODER,
    TEXT_TOKENS,
    TEXT_WIDTH,
)

WEIGHTS = Path(__file__).parent / "weights.safetensors"
VOCABULARY = 49408  # tokens of Stable Diffusion 1.x


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
    """A Stable Diffusion 1.x in small; sizes come from `architecture`."""

    unet_extra_config: ClassVar[dict[str, Any]] = {}
    memory_usage_factor = 1.0

    def inpaint_model(self) -> bool:
        return False


class CleanLatentPrediction(comfy.model_sampling.ModelSamplingDiscrete, comfy.model_sampling.X0):
    """The noise schedule of Stable Diffusion 1.x; the denoiser answers with the clean latent."""


class DemoTokenizer(comfy.sd1_clip.SDTokenizer):
    def __init__(
        self, embedding_directory: str | None = None, tokenizer_data: dict[str, Any] | None = None
    ) -> None:
        super().__init__(
            max_length=TEXT_TOKENS,
            embedding_directory=embedding_directory,
            embedding_size=TEXT_WIDTH,
            tokenizer_data=tokenizer_data or {},
        )


class DemoTextEncoder(comfy.sd1_clip.SDClipModel):
    def __init__(
        self,
        device: str = "cpu",
        dtype: torch.dtype | None = None,
        model_options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            device=device,
            max_length=TEXT_TOKENS,
            textmodel_json_config=dict(TEXT_ENCODER),
            dtype=dtype,
            model_options=model_options or {},
            return_projected_pooled=False,
        )


class DemoTextTarget(comfy.supported_models_base.ClipTarget):
    def __init__(self) -> None:
        super().__init__(self.build_tokenizer, self.build_encoder)

    @staticmethod
    def build_tokenizer(**options: Any) -> comfy.sd1_clip.SD1Tokenizer:
        return comfy.sd1_clip.SD1Tokenizer(tokenizer=DemoTokenizer, **options)

    @staticmethod
    def build_encoder(**options: Any) -> comfy.sd1_clip.SD1ClipModel:
        return comfy.sd1_clip.SD1ClipModel(clip_model=DemoTextEncoder, **options)  # pyright: ignore[reportArgumentType]


def load_demo_model(path: Path = WEIGHTS) -> DemoModel:
    """Load the bundled weights onto the devices and in the precision that the host chooses.

    Raises FileNotFoundError when the weights are missing, as in a clone without large files.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"The demo model's weights are missing: {path}. Clone the repository again."
        )
    weights: Any = comfy.utils.load_torch_file(str(path), safe_load=True)
    return DemoModel(
        _load_denoiser(_part(weights, "denoiser."), _preview_format(_part(weights, "preview."))),
        _load_text_encoder(_part(weights, "text.")),
        _load_autoencoder(_part(weights, "autoencoder.")),
    )


def _part(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in weights.items()
        if name.startswith(prefix)
    }


def _preview_format(preview: dict[str, Tensor]) -> DemoLatentFormat:
    return DemoLatentFormat(preview["rgb_factors"].tolist(), preview["rgb_bias"].tolist())


def _load_denoiser(
    weights: dict[str, Tensor], latent_format: DemoLatentFormat
) -> comfy.model_patcher.ModelPatcher:
    management = comfy.model_management
    load_device, offload_device = management.get_torch_device(), management.unet_offload_device()
    config = DemoConfig(DENOISER)
    config.latent_format = latent_format
    parameters = comfy.utils.calculate_parameters(weights)
    dtype = management.unet_dtype(
        model_params=parameters, supported_dtypes=config.supported_inference_dtypes
    )
    config.set_inference_dtype(
        dtype, management.unet_manual_cast(dtype, load_device, config.supported_inference_dtypes)
    )
    model = comfy.model_base.BaseModel(
        config, comfy.model_base.ModelType.EPS, device=offload_device
    )
    model.model_sampling = CleanLatentPrediction(config)  # pyright: ignore[reportAttributeAccessIssue]
    # Hosts that stream weights keep them in the precision they come in, and their plain patcher
    # does not convert them at use.
    model.diffusion_model.load_state_dict(
        {name: value.to(dtype) for name, value in weights.items()}
    )
    return comfy.model_patcher.ModelPatcher(model, load_device, offload_device)


def _load_text_encoder(weights: dict[str, Tensor]) -> comfy.sd.CLIP:
    """Rows of tokens that no caption used are zero: such a word means nothing to the model."""
    rows, known = weights.pop("token_rows"), weights.pop("token_ids")
    table = torch.zeros(VOCABULARY, TEXT_WIDTH, dtype=rows.dtype)
    table[known.long()] = rows
    weights["text_model.embeddings.token_embedding.weight"] = table
    clip = comfy.sd.CLIP(
        DemoTextTarget(),
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
