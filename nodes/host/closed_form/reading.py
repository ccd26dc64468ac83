"""What the FFN2 layers of a model read of some concepts, summed up for the closed form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from comfy.model_management import soft_empty_cache, throw_exception_if_processing_interrupted
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ....fia_core import LayerShapes
from ....fia_core.closed_form import ClosedForm
from ..denoising.denoise import StepObserver, denoise_prompts
from ..denoising.memory import (
    SMALL_CHUNK,
    first_that_fit,
    fixed_weights,
    free_ram,
    in_calls_that_fit,
    is_out_of_memory,
    least_call_memory,
    make_room,
    require_ram,
    room,
)
from ..denoising.progress import ENCODING, SceneProgress
from ..denoising.request import ProfileRequest, RequestPrompts
from ..denoising.sampling import SamplingSettings, empty_latent, profile_sigmas
from ..denoising.watch import Ffn2Capture, not_finite, wrong_count
from ..denoising.words import require_known_words, require_text_encoder
from ..model.clones import run_in_one_place, working_copy
from ..model.layers import find_ffn2_layers, layer_shapes, require_writable

FLOAT, HALF = 4, 2  # bytes
SOLVING = 3
"""Matrices as large as K that solving a layer takes."""

Differences = dict[str, torch.Tensor]
"""W' − W (C_out, C_in) of every FFN2 layer, float16 on the CPU, by the layer's name."""


@dataclass(frozen=True)
class Reading:
    """The sums of all layers, and what they were made with.

    Attributes:
        layers: by the layer's name.
        prompts: encoded.
        chunk: prompts a denoiser call for which there was room.
    """

    layers: Mapping[str, ClosedForm]
    prompts: RequestPrompts
    chunk: int

    def differences(self, model: ModelPatcher, ridge: float) -> Differences:
        """Solve every layer, on the device of ``model`` where that is a card with room for it."""
        device, cpu = torch.device(model.load_device), torch.device("cpu")
        if device.type == "cuda":
            inputs = max(layer.inputs for layer in self.layers.values())
            make_room(model, SOLVING * FLOAT * inputs**2)
        else:  # it may not know how
            device = cpu
        differences = {}
        for name, layer in self.layers.items():
            throw_exception_if_processing_interrupted()
            solved = _solved(layer, ridge, device)
            if solved is None:
                soft_empty_cache()
                solved = layer.difference(ridge, cpu)
            differences[name] = solved.to("cpu", torch.float16)
        return differences


def read_ffn2(
    model: ModelPatcher,
    clip: CLIP | None,
    request: ProfileRequest,
    kept: Sequence[str] = (),
    preserve_scale: float = 1.0,
    progress: SceneProgress | None = None,
) -> Reading:
    """Denoise the prompts scene by scene and sum up what FFN2 reads.

    ``model`` and its modules are left as they were, also after an error or an interrupt.

    Args:
        request: what is forgotten, and how prompts are denoised.
        kept: concepts of the same kind that should stay.
        preserve_scale: p of ``fia_core/closed_form.py``.
        progress: is told how far it is.

    Raises:
        ValueError: as ``profile_concepts``, or the host cannot write the form that weights are
            stored in.
    """
    concepts = (*request.concepts, *kept)
    progress = progress or SceneProgress(model, request, None)
    with working_copy(model) as model:
        run_in_one_place(model)
        found = find_ffn2_layers(model)
        for name, layer in found.items():
            require_writable(name, layer.weight, model.load_device)
        clip = require_text_encoder(clip)
        profile_sigmas(model, request.sampling)
        prompts = RequestPrompts(clip, request)
        require_known_words(clip, request.concepts)
        require_known_words(clip, kept, "keep")
        progress.say(ENCODING)
        prompts.encode(concepts)  # before room is made for the denoiser
        progress.expect([concepts])
        shapes = layer_shapes(found)
        wanted = request.chunk or SMALL_CHUNK
        places = _places(model, shapes, request.sampling, wanted)

        def watch(chunk: int) -> dict[str, ClosedForm]:
            scene = 1 + len(concepts)
            layers = {
                name: ClosedForm(shape, scene, len(request.concepts), places[name], preserve_scale)
                for name, shape in shapes.items()
            }
            progress.begin(concepts)
            _watch(model, prompts, request, concepts, chunk, layers, progress)
            return layers

        layers, chunk = in_calls_that_fit(watch, wanted)
    for name, layer in layers.items():
        if not layer.is_finite:
            raise not_finite(name)
        layer.finish()
    return Reading(layers, prompts, chunk)


def _watch(
    model: ModelPatcher,
    prompts: RequestPrompts,
    request: ProfileRequest,
    concepts: Sequence[str],
    chunk: int,
    layers: Mapping[str, ClosedForm],
    progress: SceneProgress,
) -> None:
    seen = dict.fromkeys(layers, 0)
    expected = len(request.base_prompts()) * (1 + len(concepts))

    def receive(
        name: str, rows: range, weight_size: torch.Tensor, x: torch.Tensor, y: torch.Tensor
    ) -> None:
        seen[name] += len(rows)
        layers[name].add(rows.start, x.flatten(1, -2), y.flatten(1, -2))

    def finish_step() -> None:
        for name, count in seen.items():
            if count != expected:
                raise wrong_count(name, count, expected)
            seen[name] = 0

    capture = Ffn2Capture(find_ffn2_layers(model), receive)
    with capture.attached():
        denoise_prompts(
            model,
            prompts.by_scene(concepts),
            prompts.negative(),
            request.sampling,
            chunk,
            StepObserver(capture.prompts, capture.forward, finish_step, progress.advance),
        )


def _solved(layer: ClosedForm, ridge: float, device: torch.device) -> torch.Tensor | None:
    """The difference, or None where the device has no room to solve it."""
    try:
        return layer.difference(ridge, device)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return None


def _places(
    model: ModelPatcher, shapes: LayerShapes, sampling: SamplingSettings, chunk: int
) -> dict[str, torch.device]:
    """Where each layer's sums are: on the model's device as far as there is room, whose weights
    leave it for them, else beside the CPU.

    Raises:
        ValueError: there is no room for them there either.
    """
    latent = empty_latent(model, sampling.width, sampling.height).shape
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
    on_device = first_that_fit(sizes, space - fixed_weights(model) - call)
    held = sum(sizes[name] for name in on_device)
    make_room(model, held + call)
    if len(on_device) < len(sizes):
        weights = sum(c_out * c_in for c_out, c_in in shapes.values())
        # the differences of two trials, and the weights that they take the place of
        require_ram(sum(sizes.values()) - held + 3 * HALF * weights, free_ram())
    device, cpu = torch.device(model.load_device), torch.device("cpu")
    return {name: device if name in on_device else cpu for name in shapes}
