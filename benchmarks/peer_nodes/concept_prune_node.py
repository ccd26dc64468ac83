"""ConceptPrune as a node: prompts to denoiser to a neuron mask."""

from contextlib import AbstractContextManager
from itertools import chain

import comfy.samplers
import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy_api.latest import io

from ...fia_core import (
    DEFAULT_CONTEXT_COUNT,
    KINDS,
    NeuronMask,
    base_prompts,
    concept_prompts,
    default_contexts,
    default_templates,
)
from ...nodes.host.model.identity import model_identity
from ...nodes.host.model.layers import find_ffn2_layers, layer_shapes
from ...nodes.host.profiling.capture import Ffn2Capture
from ...nodes.host.profiling.conditioning import encode_prompts, stack_prompts
from ...nodes.host.profiling.denoise import denoise_prompts
from ...nodes.host.profiling.progress import ProfileProgress
from ...nodes.host.profiling.sampling import SamplingSettings
from ...nodes.host.profiling.state_plan import automatic_chunk
from ...nodes.shared import NeuronMaskWire, fraction
from .concept_prune import SkilledNeurons
from .shared import (
    CATEGORY,
    clip_input,
    concepts_input,
    lines,
    model_input,
    require_clip,
    required_lines,
    seed_input,
    side_input,
)


class ConceptPruneNode(io.ComfyNode):
    """ConceptPrune's rule; Apply Neuron Mask at strength 1 prunes what it finds.

    Decided where the paper is silent: prompts, seed and conditional rows are those of Profile
    Concept, so that only the rule differs.
    """

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIABenchConceptPrune",
            display_name="ConceptPrune (benchmark)",
            category=CATEGORY,
            description=(
                "ConceptPrune, arXiv 2405.19237: the FFN2 weights that answer more to a concept "
                "than without it, step by step. Written for comparison."
            ),
            inputs=[
                model_input(),
                clip_input(),
                concepts_input(),
                io.Combo.Input(
                    "kind",
                    options=list(KINDS),
                    default=KINDS[0],
                    tooltip="What sort of concepts these are; sets the prompts.",
                ),
                io.String.Input(
                    "contexts",
                    multiline=True,
                    default="",
                    tooltip=(
                        "Places, persons or objects, one a line. Left empty, the same as in "
                        "Profile Concept."
                    ),
                ),
                seed_input(),
                io.Int.Input("steps", default=50, min=1, max=10000, tooltip="Of the schedule."),
                io.Int.Input(
                    "profile_steps",
                    default=10,
                    min=1,
                    max=10000,
                    tooltip="How many of the first (noisiest) steps are run and recorded.",
                ),
                io.Float.Input(
                    "cfg",
                    default=7.5,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    round=0.01,
                    tooltip="Guidance scale; the negative prompt is empty.",
                ),
                io.Combo.Input(
                    "sampler", options=comfy.samplers.KSampler.SAMPLERS, default="euler"
                ),
                io.Combo.Input(
                    "scheduler", options=comfy.samplers.KSampler.SCHEDULERS, default="normal"
                ),
                side_input("width"),
                side_input("height"),
                io.Float.Input(
                    "sparsity",
                    display_name="sparsity %",
                    default=1.0,
                    min=0.01,
                    max=100.0,
                    step=0.1,
                    round=0.001,
                    tooltip="k: percentage of a row's weights that can be skilled at a step.",
                ),
            ],
            outputs=[
                NeuronMaskWire.Output(
                    display_name="mask", tooltip="The union over steps and concepts."
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model: ModelPatcher,
        clip: CLIP,
        concepts: str,
        kind: str,
        contexts: str,
        seed: int,
        steps: int,
        profile_steps: int,
        cfg: float,
        sampler: str,
        scheduler: str,
        width: int,
        height: int,
        sparsity: float,
    ) -> io.NodeOutput:
        require_clip(clip)
        names = required_lines("concepts", concepts)
        sampling = SamplingSettings(
            seed, steps, profile_steps, cfg, sampler, scheduler, width, height
        )
        places = lines(contexts) or default_contexts(kind)[:DEFAULT_CONTEXT_COUNT]
        groups = _prompts(kind, names, places)
        neurons = SkilledNeurons(
            layer_shapes(find_ffn2_layers(model)),
            concepts=len(names),
            group=len(groups[0]),
            sparsity=fraction(sparsity),
            device=model.load_device,
        )
        progress = ProfileProgress(
            model, [names], len(groups[0]), profile_steps, cls.hidden.unique_id, kind
        )
        progress.begin(names)
        _watch(model, clip, groups, sampling, neurons, progress)
        mask = NeuronMask(
            layers=neurons.masks(),
            model=model_identity(model),
            concepts=names,
            settings={"rule": "ConceptPrune", "sparsity": fraction(sparsity)},
            provenance={"prompts": groups},
        )
        return io.NodeOutput(mask)


def _prompts(kind: str, concepts: tuple[str, ...], contexts: tuple[str, ...]) -> list[list[str]]:
    """The base prompts, then each concept's, as many in each."""
    templates = default_templates(kind)
    of_concepts = [list(concept_prompts(templates, name, contexts)) for name in concepts]
    return [list(base_prompts(templates, contexts)), *of_concepts]


def _watch(
    model: ModelPatcher,
    clip: CLIP,
    groups: list[list[str]],
    sampling: SamplingSettings,
    neurons: SkilledNeurons,
    progress: ProfileProgress,
) -> None:
    """Denoise all prompts together and let ``neurons`` see what the FFN2 layers do."""
    model = model.clone()  # gets wrappers
    capture = Ffn2Capture(find_ffn2_layers(model), neurons.add)
    with capture.attached():
        denoise_prompts(
            model,
            stack_prompts(encode_prompts(clip, tuple(chain.from_iterable(groups)))),
            stack_prompts(encode_prompts(clip, ("",))),
            sampling,
            automatic_chunk(model, sampling),
            _Observer(capture, neurons, progress),
        )


class _Observer:
    """What the denoiser tells goes to the capture, the neurons and the page."""

    def __init__(
        self, capture: Ffn2Capture, neurons: SkilledNeurons, progress: ProfileProgress
    ) -> None:
        self.capture = capture
        self.neurons = neurons
        self.progress = progress

    def prompts(self, rows: range) -> AbstractContextManager[None]:
        return self.capture.prompts(rows)

    def forward(self, cond_or_uncond: list[int]) -> None:
        self.capture.forward(cond_or_uncond)

    def denoised(self, rows: range, latents: torch.Tensor) -> None:
        self.progress.advance(rows, latents)

    def finish_step(self) -> None:
        self.neurons.finish_step()
