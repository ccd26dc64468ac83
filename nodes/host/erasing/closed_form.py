"""FFN2 in closed form: by how much every FFN2 weight has to move for concepts to be forgotten."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ....fia_core import LayerShapes
from ....fia_core.equations.closed_form import LEAST_RIDGE, ClosedForm
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
from .concept_effect import ConceptEffect
from .weight_patch import require_writable

SUM_BYTES = 4  # float32
SCRATCH_BYTES = 12
"""Bytes a pair of a layer's inputs beside its sums, float32: for their products, or to solve it."""

MOST_RIDGE = 2.0**14
TRIALS = 6  # which halve 20 octaves down to a third of one
SEARCHING = "looking for the ridge …"

Differences = dict[str, torch.Tensor]
"""W' − W (C_out, C_in) of every FFN2 layer, float16 on the CPU, by the layer's name."""


@dataclass(frozen=True)
class Reading:
    """What the FFN2 layers of a model read of some concepts.

    Attributes:
        layers: their sums, by the layer's name.
        chunk: prompts a denoiser call for which there was room.
    """

    layers: Mapping[str, ClosedForm]
    chunk: int

    def differences(self, model: ModelPatcher, ridge: float) -> Differences:
        """Solve every layer, on the device of ``model`` where that is a card."""
        device = torch.device(model.load_device)
        if device.type == "cuda":
            make_room(model, _scratch(layer.inputs for layer in self.layers.values()))
        else:  # it may not know how
            device = torch.device("cpu")
        return {
            name: layer.difference(ridge, device).half().cpu()
            for name, layer in self.layers.items()
        }


def forget_in_closed_form(
    model: ModelPatcher,
    clip: CLIP | None,
    request: ProfileRequest,
    *,
    kept: Sequence[str] = (),
    share: float,
    node_id: str | None = None,
) -> Differences:
    """The differences with the largest ridge at which a share of what can go of the concepts'
    effect goes.

    ``model`` and its modules are left as they were, also after an error or an interrupt.

    Args:
        request: what is forgotten, and how prompts are denoised.
        kept: concepts of the same kind that should stay.
        share: of the effect (``ConceptEffect``) that goes with the least ridge, a fraction.
        node_id: of the node in the page, which shows how far it is.

    Raises:
        ValueError: as ``read_ffn2``.
    """
    clip = require_text_encoder(clip)
    progress = SceneProgress(model, request, node_id)
    reading = read_ffn2(model, clip, request, kept, progress=progress)
    progress.say(SEARCHING)
    effect = ConceptEffect(model, clip, request, reading.chunk)

    def removed(ridge: float) -> float:
        throw_exception_if_processing_interrupted()
        return effect.removed(reading.differences(model, ridge))

    ridge = largest_ridge(removed, share)
    differences = reading.differences(model, ridge)
    gone = effect.removed(differences)
    progress.finish(0, doubts(model, request), f"{gone:.0%} of the effect gone (ridge {ridge:.2g})")
    return differences


def largest_ridge(removed: Callable[[float], float], share: float) -> float:
    """The largest ridge, to within a quarter, at which at least a share of what the least takes is
    removed; that falls as the ridge grows."""
    low, high = LEAST_RIDGE, MOST_RIDGE
    wanted = share * removed(low)
    for _ in range(TRIALS):
        middle = sqrt(low * high)
        if removed(middle) >= wanted:
            low = middle
        else:
            high = middle
    return low


def read_ffn2(
    model: ModelPatcher,
    clip: CLIP,
    request: ProfileRequest,
    kept: Sequence[str] = (),
    preserve_scale: float = 1.0,
    progress: SceneProgress | None = None,
) -> Reading:
    """Denoise the prompts scene by scene and sum up what FFN2 reads.

    Args:
        model: stays as it was.
        request: what is forgotten, and how prompts are denoised.
        kept: concepts of the same kind that should stay.
        preserve_scale: p of ``fia_core/equations/closed_form.py``.
        progress: is told how far it is.

    Raises:
        ValueError: as ``profile_concepts``, or the host cannot write the form that weights are
            stored in, or a layer is not called or computes NaN or infinity.
    """
    concepts = (*request.concepts, *kept)
    progress = progress or SceneProgress(model, request, None)
    with working_copy(model) as model:
        run_in_one_place(model)
        found = find_ffn2_layers(model)
        for name, layer in found.items():
            require_writable(name, layer.weight, model.load_device)
        prompts = RequestPrompts(clip, request)
        require_known_words(clip, concepts)
        progress.say(ENCODING)
        prompts.encode(concepts)  # before room is made for the denoiser
        progress.expect([concepts])
        shapes = layer_shapes(found)
        places = _places(model, shapes, request.sampling)

        def watch(chunk: int) -> dict[str, ClosedForm]:
            layers = {
                name: ClosedForm(shape, len(request.concepts), places[name], preserve_scale)
                for name, shape in shapes.items()
            }
            progress.begin(concepts)
            _watch(model, prompts, request, concepts, chunk, layers, progress)
            return layers

        layers, chunk = in_calls_that_fit(watch, request.chunk or SMALL_CHUNK)
    for name, layer in layers.items():
        if layer.is_empty:
            raise ValueError(f"model: {name} ran for no prompt. {NOT_CALLED}")
        if not layer.is_finite:
            raise not_finite(name)
    return Reading(layers, chunk)


def _watch(
    model: ModelPatcher,
    prompts: RequestPrompts,
    request: ProfileRequest,
    concepts: Sequence[str],
    chunk: int,
    layers: Mapping[str, ClosedForm],
    progress: SceneProgress,
) -> None:
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


def _places(
    model: ModelPatcher, shapes: LayerShapes, sampling: SamplingSettings
) -> dict[str, torch.device]:
    """Where each layer's sums are: on the model's device as far as there is room, whose weights
    leave it for them, else beside the CPU.

    Raises:
        ValueError: there is no room for them there either.
    """
    sizes = {name: SUM_BYTES * (c_out + c_in) * c_in for name, (c_out, c_in) in shapes.items()}
    latent = empty_latent(model, sampling.width, sampling.height).shape
    call = least_call_memory(model, latent, SMALL_CHUNK) + _scratch(
        c_in for _, c_in in shapes.values()
    )
    space = room(model, sum(sizes.values()) + call)
    on_device = first_that_fit(sizes, space - fixed_weights(model) - call)
    held = sum(sizes[name] for name in on_device)
    make_room(model, held + call)
    if len(on_device) < len(sizes):
        needed = sum(sizes.values()) - held
        require_ram(needed, free_ram() + arriving_weights(model, space - held - call))
    device, cpu = torch.device(model.load_device), torch.device("cpu")
    return {name: device if name in on_device else cpu for name in shapes}


def _scratch(inputs: Iterable[int]) -> int:
    """Bytes for the widest of layers of these widths."""
    return SCRATCH_BYTES * max(inputs) ** 2
