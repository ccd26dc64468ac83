"""One model as it is, with a mask applied, and with its weights changed by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from graphs import Graph, picture_graph, sources
from masks_and_loras import drawn_mask
from tiny_model import TinyModel, tiny_denoiser

Link = list[Any]


@dataclass(frozen=True)
class Trio:
    """One model as it is, with a mask applied, and with its weights changed by hand."""

    plain: ModelPatcher
    masked: ModelPatcher
    by_hand: ModelPatcher


def random_mask(extension: Any, model: ModelPatcher, seed: int) -> Any:
    """One weight in five of every FFN2 layer."""
    return drawn_mask(extension, model, seed, share=0.2, concept=f"{seed}")


def apply(extension: Any, model: ModelPatcher, mask: Any, strength: float = 1.0) -> ModelPatcher:
    return extension.node("FIAApplyNeuronMask").execute(model, mask, strength)[0]


def weights(model: ModelPatcher, mask: Any) -> dict[str, torch.Tensor]:
    """Copies of the FFN2 weights that the modules hold now."""
    state = model.model.state_dict()
    return {name: state[f"{name}.weight"].clone() for name in mask.layers}


def patched_weights(model: ModelPatcher, mask: Any) -> dict[str, torch.Tensor]:
    """Copies of the FFN2 weights while the patches of ``model`` are in place."""
    model.patch_model()
    during = weights(model, mask)
    model.unpatch_model()
    return during


def by_hand(mask: Any, dtype: torch.dtype = torch.float32) -> ModelPatcher:
    """A model of the same weights, the masked ones set to 0."""
    model = tiny_denoiser(dtype)
    state = model.model.state_dict()
    for name, pruned in mask.layers.items():
        state[f"{name}.weight"].masked_fill_(pruned, 0)
    return model


Change = Callable[[Graph, Link], Link]
"""Puts nodes after a model's link, or changes other nodes; the link to sample with."""


def draw_with(host: Any, tiny: TinyModel, model: ModelPatcher, change: Change) -> torch.Tensor:
    host.forget()
    graph = {**sources(host, tiny, model), **picture_graph(["model", 0])}
    graph["sampler"]["inputs"]["model"] = change(graph, ["model", 0])
    return host.run(graph, "picture")[0].clone()


def require_equal_pictures(host: Any, tiny: TinyModel, trio: Trio, change: Change) -> None:
    plain, masked, changed = (
        draw_with(host, tiny, model, change) for model in (trio.plain, trio.masked, trio.by_hand)
    )
    assert plain.isfinite().all()
    assert torch.equal(masked, changed)
    assert not torch.equal(masked, plain)
