"""Forget It All: training-free removal of many concepts from a diffusion model (arXiv 2601.06163).

The method alone, on any module's weights and activations: torch, numpy and safetensors, no host.
The way of the data: prompts, statistics and saliency (Eq. 1-2), sensitivity (Eq. 3), concept
profile, concept-sensitive mask (Eq. 4-6), fusion (Eq. 7-8), neuron mask.
"""

from .diffusers_names import diffusers_layer_name
from .equations.fusion import agnostic_threshold, fuse_masks
from .equations.saliency import SALIENCY_FORMS, alignments, contrastive_saliency, unit_columns
from .equations.sensitivity import (
    GRANULARITIES,
    SensitivityAccumulator,
    concept_sensitive_mask,
)
from .equations.statistics import RunningMean, RunningMoments
from .files.layer_records import LayerShapes
from .files.safetensors_file import FIAFileError
from .fusion_counts import FusionCounts, FusionReport, sum_counts
from .identity import ModelIdentity
from .mask import NeuronMask
from .masking import FusionResult, build_concept_mask, fuse_neuron_masks
from .profile import MAX_SPATIAL_SPARSITY, ConceptProfile, SparseSensitivity
from .prompts import (
    DEFAULT_CONTEXT_COUNT,
    KINDS,
    PRESETS,
    Preset,
    PromptTemplates,
    base_prompts,
    concept_prompts,
    default_contexts,
    default_templates,
)
from .reports.fusion_report import fusion_text, fusion_warnings
from .reports.inspection import LayerInspection, MaskInspection, inspect_mask
from .reports.inspection_report import inspection_text
from .reports.overlap import ConceptOverlap, ConceptShare, concept_overlap
from .reports.places import LayerPlace, layer_places

__all__ = [
    "DEFAULT_CONTEXT_COUNT",
    "GRANULARITIES",
    "KINDS",
    "MAX_SPATIAL_SPARSITY",
    "PRESETS",
    "SALIENCY_FORMS",
    "ConceptOverlap",
    "ConceptProfile",
    "ConceptShare",
    "FIAFileError",
    "FusionCounts",
    "FusionReport",
    "FusionResult",
    "LayerInspection",
    "LayerPlace",
    "LayerShapes",
    "MaskInspection",
    "ModelIdentity",
    "NeuronMask",
    "Preset",
    "PromptTemplates",
    "RunningMean",
    "RunningMoments",
    "SensitivityAccumulator",
    "SparseSensitivity",
    "agnostic_threshold",
    "alignments",
    "base_prompts",
    "build_concept_mask",
    "concept_overlap",
    "concept_prompts",
    "concept_sensitive_mask",
    "contrastive_saliency",
    "default_contexts",
    "default_templates",
    "diffusers_layer_name",
    "fuse_masks",
    "fuse_neuron_masks",
    "fusion_text",
    "fusion_warnings",
    "inspect_mask",
    "inspection_text",
    "layer_places",
    "sum_counts",
    "unit_columns",
]
