"""A copy of the host's denoiser that gradients can flow through, for methods that train."""

from collections.abc import Callable, Mapping
from typing import Any

import comfy.ops
import torch
from comfy.ldm.modules.attention import attention_pytorch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.model_patcher import ModelPatcher
from comfy.sampler_helpers import convert_cond
from comfy.samplers import encode_model_conds
from comfy.utils import ProgressBar
from torch import Tensor
from torch.func import functional_call

from ...nodes.host.denoising.conditioning import Conditioning
from .denoiser_weights import DENOISER, Parameters, weights_in_effect


class TrainingDenoiser:
    """The denoiser of ``model`` in float32, with the weights in effect, in modules of its own.

    Make and use it outside inference mode: tensors made inside cannot take part in a gradient.

    Args:
        model: left as it is.
        prompts: the host's conditioning with a row for each prompt.
        latent: one latent, (1, C, H, W), for the size that some models are told.

    Raises:
        ValueError: the prompts have different numbers of tokens.
    """

    def __init__(self, model: ModelPatcher, prompts: Conditioning, latent: Tensor) -> None:
        self.device = model.load_device
        self._sampling: Any = model.get_model_object("model_sampling")
        self._denoiser = _copy_of_denoiser(model)
        self._inputs = _inputs(model, prompts, latent.to(self.device))

    def predict(self, parameters: Parameters, x: Tensor, sigma: Tensor, prompts: Tensor) -> Tensor:
        """See ``esdx.Denoiser``; names of ``parameters`` as in the model's state dict."""
        inputs = {name: value[prompts] for name, value in self._inputs.items()}
        return self.answer(parameters, x, sigma, inputs)

    def answer(
        self, parameters: Parameters, x: Tensor, sigma: Tensor, inputs: Mapping[str, Tensor]
    ) -> Tensor:
        """``predict`` with the host's own inputs for a denoiser, a row a latent: ``c_crossattn``
        (rows, tokens, width) and, for some models, more."""
        others = dict(inputs)
        with_prefix = {name.removeprefix(DENOISER): value for name, value in parameters.items()}
        return functional_call(
            self._denoiser,
            with_prefix,
            (
                self._sampling.calculate_input(sigma, x),
                self._sampling.timestep(sigma).float(),
                others.pop("c_crossattn"),
            ),
            {**others, "transformer_options": {"optimized_attention_override": _attention}},
        )

    def denoise(self, parameters: Parameters, x: Tensor, sigma: Tensor, prompts: Tensor) -> Tensor:
        """See ``esdx.Denoiser``."""
        answer = self.predict(parameters, x, sigma, prompts)
        return self._sampling.calculate_denoised(sigma, answer, x)


def counter(iterations: int) -> Callable[[], None]:
    """To be called after each iteration: it counts them for the host, and ends an interrupted
    training by the host's exception."""
    progress = ProgressBar(iterations)

    def after_iteration() -> None:
        progress.update(1)
        throw_exception_if_processing_interrupted()

    return after_iteration


def _attention(chosen: Any, *args: Any, **kwargs: Any) -> Tensor:
    """PyTorch's attention in place of the host's choice, which may not be differentiable."""
    return attention_pytorch(*args, **kwargs)


def _copy_of_denoiser(model: ModelPatcher) -> torch.nn.Module:
    denoiser: Any = model.get_model_object("diffusion_model")
    config = {**model.model.model_config.unet_config, "dtype": torch.float32}
    copy = type(denoiser)(
        **config, device=model.load_device, operations=comfy.ops.disable_weight_init
    )
    names = [f"{DENOISER}{name}" for name in copy.state_dict()]
    weights = weights_in_effect(model, names)
    copy.load_state_dict({name.removeprefix(DENOISER): weights[name] for name in names})
    return copy.requires_grad_(False).eval()


def _inputs(model: ModelPatcher, prompts: Conditioning, latent: Tensor) -> dict[str, Tensor]:
    """The denoiser's inputs besides latent and noise level, each (prompts, …) float32."""
    if len(prompts) > 1:
        raise ValueError(
            "templates: a prompt is too long for the text encoder to take at once. Shorten it."
        )
    count = len(prompts[0][0])
    (cond,) = encode_model_conds(
        model.model.extra_conds,
        convert_cond(prompts),
        latent.expand(count, *latent.shape[1:]),
        latent.device,
        "positive",
    )
    return {
        name: entry.process_cond(batch_size=count, area=None).cond.to(
            device=latent.device, dtype=torch.float32, copy=True
        )
        for name, entry in cond["model_conds"].items()
    }
