"""What the FFN2 layers of a model read of some concepts, summed up for the closed form."""

from collections.abc import Mapping, Sequence

import torch
from comfy.model_patcher import ModelPatcher

from ....fia_core import LayerShapes
from ....fia_core.closed_form import ClosedForm
from ..denoising.conditioning import RequestPrompts
from ..denoising.denoise import empty_latent, profile_sigmas
from ..denoising.memory import (
    FittingCalls,
    fixed_weights,
    free_ram,
    least_call_memory,
    make_room,
    names_that_fit,
    require_ram,
    room,
)
from ..denoising.progress import ENCODING, SceneProgress
from ..denoising.watch import not_finite, watch_layers
from ..model.clones import working_copy
from ..model.layers import find_ffn2_layers, layer_shapes, require_writable

FLOAT, HALF = 4, 2  # bytes

Sums = Mapping[str, ClosedForm]
"""What each layer has read, by the layer's name."""


def read_ffn2(
    model: ModelPatcher,
    prompts: RequestPrompts,
    calls: FittingCalls,
    kept: Sequence[str] = (),
    preserve_scale: float = 1.0,
    progress: SceneProgress | None = None,
) -> Sums:
    """Denoise the prompts scene by scene and sum up what FFN2 reads.

    ``model`` and its modules are left as they were, also after an error or an interrupt.

    Args:
        prompts: of the concepts that are forgotten.
        calls: how many prompts a denoiser call has.
        kept: concepts of the same kind that should stay.
        preserve_scale: p of ``fia_core/closed_form.py``.
        progress: is told how far it is.

    Raises:
        ValueError: as ``profile_concepts``, or the host cannot write the form that weights are
            stored in.
    """
    request = prompts.request
    concepts = (*request.concepts, *kept)
    progress = progress or SceneProgress(model, request, None)
    with working_copy(model) as model:
        layers = find_ffn2_layers(model)
        for name, layer in layers.items():
            require_writable(name, layer.weight, model.load_device)
        shapes = layer_shapes(layers)
        prompts.require_known(request.concepts)
        prompts.require_known(kept, "keep")
        profile_sigmas(model, request.sampling)
        progress.say(ENCODING)
        prompts.encode(concepts)  # before room is made for the denoiser
        progress.expect([concepts])
        latent = empty_latent(model, request.sampling.width, request.sampling.height).shape
        places = place_sums(model, shapes, latent, calls.chunk)

        def watch(chunk: int) -> Sums:
            scene = 1 + len(concepts)
            sums = {
                name: ClosedForm(shape, scene, len(request.concepts), places[name], preserve_scale)
                for name, shape in shapes.items()
            }
            progress.begin(concepts)
            watch_layers(
                model,
                layers,
                prompts.by_scene(concepts),
                chunk,
                lambda name, rows, x, y: sums[name].add(
                    rows.start, x.flatten(1, -2), y.flatten(1, -2)
                ),
                denoised=progress.advance,
            )
            return sums

        sums = calls.run(watch)
    for name, layer in sums.items():
        if not layer.is_finite:
            raise not_finite(name)
        layer.finish()
    return sums


def place_sums(
    model: ModelPatcher, shapes: LayerShapes, latent: torch.Size, chunk: int
) -> dict[str, torch.device]:
    """Where each layer's sums are: on the model's device as far as there is room, whose weights
    leave it for them, else in RAM.

    Args:
        shapes: (C_out, C_in) of the layers.
        latent: shape of one latent, (1, channels, height, width).
        chunk: prompts a denoiser call.

    Raises:
        ValueError: there is no room for them there either.
    """
    tokens = latent[-1] * latent[-2] // 4  # of most layers at most
    sizes = {
        name: FLOAT * (c_out + c_in) * c_in + HALF * tokens * c_out
        for name, (c_out, c_in) in shapes.items()
    }
    scratch = FLOAT * max(
        chunk * tokens * (c_out + c_in) + c_in**2 for c_out, c_in in shapes.values()
    )
    call = least_call_memory(model, latent, chunk) + scratch
    space = room(model, sum(sizes.values()) + call)
    on_device = names_that_fit(sizes, space - fixed_weights(model) - call)
    held = sum(sizes[name] for name in on_device)
    make_room(model, held + call)
    if len(on_device) < len(sizes):
        weights = sum(c_out * c_in for c_out, c_in in shapes.values())
        # the differences of two trials, and the weights that they take the place of
        require_ram(sum(sizes.values()) - held + 3 * HALF * weights, free_ram())
    device, cpu = torch.device(model.load_device), torch.device("cpu")
    return {name: device if name in on_device else cpu for name in shapes}
