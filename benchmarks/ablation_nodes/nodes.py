"""The dialogs of the ablations; what they do is in ``profiling.py`` and ``masks.py``."""

import comfy.samplers
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy_api.latest import io

from ...fia_core import (
    DEFAULT_CONTEXT_COUNT,
    KINDS,
    SALIENCY_FORMS,
    NeuronMask,
    default_contexts,
    default_templates,
)
from ...nodes.host.profiling.request import ProfileRequest
from ...nodes.host.profiling.sampling import SamplingSettings
from ...nodes.shared import ConceptProfileWire, NeuronMaskWire, fraction
from .layers import LAYERS
from .masks import apply_to_layers, magnitude_mask, random_mask, union_mask
from .profiling import ROWS, Variant, profile_variant

CATEGORY = "Forget It All/benchmarks"


class BenchmarkProfile(io.ComfyNode):
    """Profile Concept with the parts of the method that an ablation takes out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIABenchmarkProfile",
            display_name="Profile Concept (ablation)",
            category=CATEGORY,
            description="Profile concepts with parts of the method taken out, for comparison.",
            inputs=[
                io.Model.Input("model"),
                io.Clip.Input("clip"),
                io.String.Input("concepts", multiline=True, tooltip="One a line."),
                io.Combo.Input("kind", options=list(KINDS)),
                io.String.Input("contexts", multiline=True, default="", tooltip="One a line."),
                io.Int.Input("seed", default=0, min=0),
                io.Int.Input("steps", default=50, min=1),
                io.Int.Input("profile_steps", default=10, min=1),
                io.Float.Input("cfg", default=7.5, min=0.0, max=100.0),
                io.Combo.Input("sampler", options=comfy.samplers.KSampler.SAMPLERS),
                io.Combo.Input("scheduler", options=comfy.samplers.KSampler.SCHEDULERS),
                io.Int.Input("width", default=512, min=16, max=16384),
                io.Int.Input("height", default=512, min=16, max=16384),
                io.Int.Input("batch_size", default=16, min=0, tooltip="Prompts a call; 0 is 16."),
                io.Float.Input("temporal_sparsity", default=5.0, min=0.0, max=100.0),
                io.Combo.Input("saliency_form", options=list(SALIENCY_FORMS)),
                io.Combo.Input("layers", options=list(LAYERS), default="ffn2", optional=True),
                io.Boolean.Input(
                    "contrast", default=True, optional=True, tooltip="Eq. 2's base prompts."
                ),
                io.Boolean.Input(
                    "frequency", default=True, optional=True, tooltip="Eq. 3's second term."
                ),
                io.Boolean.Input(
                    "normalize", default=True, optional=True, tooltip="Eq. 3's first term to 1."
                ),
                io.Combo.Input(
                    "rows",
                    options=list(ROWS),
                    default=ROWS[0],
                    optional=True,
                    tooltip="Halves of guidance that count.",
                ),
            ],
            outputs=[ConceptProfileWire.Output(display_name="profiles", is_output_list=True)],
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
        batch_size: int,
        temporal_sparsity: float,
        saliency_form: str,
        layers: str = "ffn2",
        contrast: bool = True,
        frequency: bool = True,
        normalize: bool = True,
        rows: str = ROWS[0],
    ) -> io.NodeOutput:
        request = ProfileRequest(
            concepts=tuple(concepts.splitlines()),
            kind=kind,
            contexts=tuple(contexts.splitlines()) or default_contexts(kind)[:DEFAULT_CONTEXT_COUNT],
            templates=default_templates(kind),
            sampling=SamplingSettings(
                seed, steps, profile_steps, cfg, sampler, scheduler, width, height
            ),
            temporal_sparsity=fraction(temporal_sparsity),
            saliency_form=saliency_form,
            chunk=batch_size or 16,
        )
        variant = Variant(layers, contrast, frequency, normalize, rows)
        return io.NodeOutput(profile_variant(model, clip, request, variant))


class BenchmarkUnionMask(io.ComfyNode):
    """Fusion without concept-agnostic weights."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIABenchmarkUnionMask",
            display_name="Union of Masks (ablation)",
            category=CATEGORY,
            is_input_list=True,
            inputs=[NeuronMaskWire.Input("masks")],
            outputs=[NeuronMaskWire.Output(display_name="mask")],
        )

    @classmethod
    def execute(cls, masks: list[NeuronMask]) -> io.NodeOutput:
        return io.NodeOutput(union_mask(masks))


class BenchmarkRandomMask(io.ComfyNode):
    """As many weights of each layer, drawn at random."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIABenchmarkRandomMask",
            display_name="Random Mask (ablation)",
            category=CATEGORY,
            inputs=[NeuronMaskWire.Input("mask"), io.Int.Input("seed", default=0, min=0)],
            outputs=[NeuronMaskWire.Output(display_name="mask")],
        )

    @classmethod
    def execute(cls, mask: NeuronMask, seed: int) -> io.NodeOutput:
        return io.NodeOutput(random_mask(mask, seed))


class BenchmarkMagnitudeMask(io.ComfyNode):
    """As many weights of each layer, the largest."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIABenchmarkMagnitudeMask",
            display_name="Magnitude Mask (ablation)",
            category=CATEGORY,
            inputs=[io.Model.Input("model"), NeuronMaskWire.Input("mask")],
            outputs=[NeuronMaskWire.Output(display_name="mask")],
        )

    @classmethod
    def execute(cls, model: ModelPatcher, mask: NeuronMask) -> io.NodeOutput:
        return io.NodeOutput(magnitude_mask(model, mask))


class BenchmarkApplyMask(io.ComfyNode):
    """Apply Neuron Mask for masks of any linear layers."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIABenchmarkApplyMask",
            display_name="Apply Neuron Mask (ablation)",
            category=CATEGORY,
            inputs=[
                io.Model.Input("model"),
                NeuronMaskWire.Input("mask"),
                io.Float.Input("strength", default=1.0, min=0.0, max=2.0),
            ],
            outputs=[io.Model.Output(display_name="model")],
        )

    @classmethod
    def execute(cls, model: ModelPatcher, mask: NeuronMask, strength: float) -> io.NodeOutput:
        return io.NodeOutput(apply_to_layers(model, mask, strength))


NODES: tuple[type[io.ComfyNode], ...] = (
    BenchmarkProfile,
    BenchmarkUnionMask,
    BenchmarkRandomMask,
    BenchmarkMagnitudeMask,
    BenchmarkApplyMask,
)
