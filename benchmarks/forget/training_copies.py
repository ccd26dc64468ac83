"""Copies of the host's denoiser and text encoder that gradients can flow through.

Make and use them outside inference mode: tensors made inside cannot take part in a gradient.
"""

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import comfy.ops
import torch
from comfy.clip_model import CLIPLayer
from comfy.ldm.modules.attention import attention_pytorch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy.sd1_clip import SD1ClipModel
from torch import Tensor

from .weights import DENOISER, weights_in_effect

STAND_IN = "*"  # one token, which no prompt has


class TrainingDenoiser:
    """The denoiser of ``model``, a UNet without other inputs than latent, noise level and text, in
    float32, with the weights in effect."""

    def __init__(self, model: ModelPatcher) -> None:
        self._sampling: Any = model.get_model_object("model_sampling")
        denoiser: Any = model.get_model_object("diffusion_model")
        config = {**model.model.model_config.unet_config, "dtype": torch.float32}
        own = type(denoiser)(
            **config, device=model.load_device, operations=comfy.ops.disable_weight_init
        )
        names = [f"{DENOISER}{name}" for name in own.state_dict()]
        weights = weights_in_effect(model, names)
        own.load_state_dict({name.removeprefix(DENOISER): weights[name] for name in names})
        self._denoiser = own.requires_grad_(False).eval()

    def clean(self, x: Tensor, sigma: Tensor, context: Tensor) -> Tensor:
        """The clean latents (rows, C, H, W) that it sees in ``x``, at noise levels (rows,), told
        (rows, tokens, width)."""
        answer = self._denoiser(
            self._sampling.calculate_input(sigma, x),
            self._sampling.timestep(sigma).float(),
            context,
            transformer_options={"optimized_attention_override": _attention},
        )
        return self._sampling.calculate_denoised(sigma, answer, x)


class TrainingTextEncoder:
    """The text encoder of ``clip``, which stays as it is, in float32.

    Raises:
        ValueError: it is not the single CLIP of a Stable Diffusion 1.x or 2.x.
    """

    def __init__(self, clip: CLIP) -> None:
        if not isinstance(clip.cond_stage_model, SD1ClipModel):
            raise ValueError(
                f"clip: {type(clip.cond_stage_model).__name__} is not the text encoder of a Stable "
                "Diffusion 1.x or 2.x, the models that an embedding can be learned for."
            )
        name = clip.cond_stage_model.clip
        self._tokenizer: Any = getattr(clip.tokenizer, name)
        clip.load_model()  # with its patches in place
        own = copy.deepcopy(getattr(clip.cond_stage_model, name))
        self._encoder: Any = own.float().requires_grad_(False)
        self._encoder.reset_clip_options()
        if clip.layer_idx is not None:
            self._encoder.set_clip_options({"layer": clip.layer_idx})
        for module in self._encoder.modules():
            if isinstance(module, CLIPLayer):
                module.forward = partial(_add_out_of_place, module)

    @property
    def key(self) -> str:
        """The name under which the host looks for this encoder's vectors in an embedding's file."""
        return self._tokenizer.embedding_key

    def vectors(self, text: str) -> Tensor:
        """(tokens, width) float32: what a text is before the encoder's layers."""
        tokens = torch.tensor(self._tokens(text))
        return self._encoder.transformer.get_input_embeddings().weight[tokens].clone()

    def encode(self, prompts: Sequence[str], embedding: Tensor) -> Tensor:
        """(prompts, tokens, width), as the host encodes an embedding (vectors, width) in a prompt.

        Args:
            prompts: each with one ``STAND_IN`` where the embedding belongs.
            embedding: may require a gradient.

        Raises:
            ValueError: a prompt is too long to be encoded at once.
        """
        return self._encoder([self._with_embedding(prompt, embedding) for prompt in prompts])[0]

    def _tokens(self, text: str) -> list[int]:
        return self._tokenizer.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _with_embedding(self, prompt: str, embedding: Tensor) -> list[int | Tensor]:
        parts = self._tokenizer.tokenize_with_weights(prompt)
        tokens = [token for token, _ in parts[0]]
        length, at = len(tokens), tokens.index(self._tokens(STAND_IN)[0])
        tokens[at : at + 1] = list(embedding)
        after_the_end = {self._tokenizer.pad_token, self._tokenizer.end_token}
        if len(parts) > 1 or not after_the_end.issuperset(tokens[length - 1 :]):
            raise ValueError(
                "templates: a prompt is too long for the text encoder to take at once. Shorten it."
            )
        return tokens[:length]


def _attention(chosen: Any, *args: Any, **kwargs: Any) -> Tensor:
    """PyTorch's attention in place of the host's choice, which may not be differentiable."""
    return attention_pytorch(*args, **kwargs)


def _add_out_of_place(
    layer: CLIPLayer, x: Tensor, mask: Tensor | None = None, optimized_attention: Any = None
) -> Tensor:
    """The host's layer, which adds in place, what gradients do not survive."""
    x = x + layer.self_attn(layer.layer_norm1(x), mask, optimized_attention)
    return x + layer.mlp(layer.layer_norm2(x))
