"""FFN2 in closed form: by how much every FFN2 weight has to move for concepts to be forgotten."""

from collections.abc import Mapping, Sequence

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ....fia_core import LayerShapes
from ....fia_core.equations.closed_form import ClosedForm
from ..model.layers import find_ffn2_layers, layer_shapes
from ..model.one_place import run_in_one_place
from ..profiling.capture import Ffn2Capture
from ..profiling.concepts import ENCODING, require_text_encoder
from ..profiling.denoise import StepObserver, denoise_prompts
from ..profiling.doubts import doubts
from ..profiling.memory import (
    arriving_weights,
    fixed_weights,
    free_ram,
    in_calls_that_fit,
    least_call_memory,
    make_room,
    room,
)
from ..profiling.progress import SceneProgress
from ..profiling.request import ProfileRequest, RequestPrompts
from ..profiling.sampling import SamplingSettings, empty_latent
from ..profiling.state_plan import SMALL_CHUNK, first_that_fit, require_ram
from ..profiling.step_statistics import NOT_CALLED, not_finite
from ..profiling.words import require_known_words
from ..profiling.working_copy import working_copy
from .weight_patch import require_writable

SUM_BYTES = 4  # float32
SCRATCH_BYTES = 8
"""Bytes a pair of a layer's inputs beside its sums while prompts are denoised, float32."""
SOLVING_BYTES = 32
"""The same while a layer is solved, float64."""


def closed_form(
    model: ModelPatcher,
    clip: CLIP | None,
    request: ProfileRequest,
    *,
    kept: Sequence[str] = (),
    ridge: float,
    preserve_scale: float = 1.0,
    node_id: str | None = None,
) -> dict[str, torch.Tensor]:
    """W' − W (C_out, C_in) of every FFN2 layer, float16 on the CPU, by the layer's name.

    ``model`` and its modules are left as they were, also after an error or an interrupt.

    Args:
        request: what is forgotten, and how prompts are denoised.
        kept: concepts of the same kind that should stay.
        ridge, preserve_scale: λ and p of ``fia_core/equations/closed_form.py``.
        node_id: of the node in the page, which shows how far it is.

    Raises:
        ValueError: as ``profile_concepts``, or the host cannot write the form that weights are
            stored in.
    """
    concepts = (*request.concepts, *kept)
    with working_copy(model) as model:
        run_in_one_place(model)
        found = find_ffn2_layers(model)
        for name, layer in found.items():
            require_writable(name, layer.weight, model.load_device)
        shapes = layer_shapes(found)
        clip = require_text_encoder(clip)
        prompts = RequestPrompts(clip, request)
        require_known_words(clip, concepts)
        progress = SceneProgress(model, request, node_id)
        progress.say(ENCODING)
        prompts.encode(concepts)  # before room is made for the denoiser
        progress.expect([concepts])
        places = _places(model, shapes, request.sampling)

        def watch(chunk: int) -> dict[str, ClosedForm]:
            layers = {
                name: ClosedForm(shape, len(request.concepts), places[name], preserve_scale)
                for name, shape in shapes.items()
            }
            progress.begin(concepts)
            _watch(model, prompts, request, concepts, chunk, layers, progress)
            return layers

        layers, _ = in_calls_that_fit(watch, request.chunk or SMALL_CHUNK)
        differences = _solve(model, layers, ridge)
        progress.finish(0, doubts(model, request))
    return differences


def _watch(
    model: ModelPatcher,
    prompts: RequestPrompts,
    request: ProfileRequest,
    concepts: Sequence[str],
    chunk: int,
    layers: Mapping[str, ClosedForm],
    progress: SceneProgress,
) -> None:
    """Denoise the prompts scene by scene and let ``layers`` see what FFN2 does."""
    scene = 1 + len(concepts)

    def receive(
        name: str, rows: range, weight_size: torch.Tensor, x: torch.Tensor, y: torch.Tensor
    ) -> None:
        x, y = x.flatten(1, -2), y.flatten(1, -2)
        start = rows.start
        while start < rows.stop:  # a call may have prompts of several scenes
            first = start % scene
            count = min(scene - first, rows.stop - start)
            taken = slice(start - rows.start, start - rows.start + count)
            layers[name].add(first, x[taken], y[taken])
            start += count

    capture = Ffn2Capture(find_ffn2_layers(model), receive)
    with capture.attached():
        denoise_prompts(
            model,
            prompts.by_scene(concepts),
            prompts.negative(),
            request.sampling,
            chunk,
            StepObserver(capture.prompts, capture.forward, lambda: None, progress.advance),
        )


def _solve(
    model: ModelPatcher, layers: dict[str, ClosedForm], ridge: float
) -> dict[str, torch.Tensor]:
    """Every layer's difference; ``layers`` is empty afterwards.

    Raises:
        ValueError: a layer was not called, or computed NaN or infinity.
    """
    for name, layer in layers.items():
        if layer.is_empty:
            raise ValueError(f"model: {name} ran for no prompt. {NOT_CALLED}")
        if not layer.is_finite:
            raise not_finite(name)
    device = torch.device(model.load_device)
    if device.type == "cuda":
        make_room(model, SOLVING_BYTES * max(layer.inputs for layer in layers.values()) ** 2)
    else:  # it may know no float64
        device = torch.device("cpu")
    names = [*layers]
    return {name: layers.pop(name).difference(ridge, device).half().cpu() for name in names}


def _places(
    model: ModelPatcher, shapes: LayerShapes, sampling: SamplingSettings
) -> dict[str, torch.device]:
    """Where each layer's sums are: on the model's device as far as there is room, whose weights
    leave it for them, else beside the CPU.

    Raises:
        ValueError: there is no room for them there either.
    """
    sizes = {name: SUM_BYTES * (c_out + c_in) * c_in for name, (c_out, c_in) in shapes.items()}
    scratch = SCRATCH_BYTES * max(c_in for _, c_in in shapes.values()) ** 2
    latent = empty_latent(model, sampling.width, sampling.height).shape
    call = least_call_memory(model, latent, SMALL_CHUNK) + scratch
    space = room(model, sum(sizes.values()) + call)
    on_device = first_that_fit(sizes, space - fixed_weights(model) - call)
    held = sum(sizes[name] for name in on_device)
    make_room(model, held + call)
    if len(on_device) < len(sizes):
        needed = sum(sizes.values()) - held
        require_ram(needed, free_ram() + arriving_weights(model, space - held - call))
    device, cpu = torch.device(model.load_device), torch.device("cpu")
    return {name: device if name in on_device else cpu for name in shapes}
