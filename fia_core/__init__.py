"""Forget It All: training-free removal of many concepts from a diffusion model (arXiv 2601.06163).

The method alone, on any module's weights and activations: torch, numpy and safetensors, no host.
The way of the data: prompts, statistics and saliency (Eq. 1-2), sensitivity (Eq. 3), concept
profile, concept-sensitive mask (Eq. 4-6), fusion (Eq. 7-8), neuron mask.
"""

from .erasure import FusionResult, build_concept_mask, fuse_neuron_masks
from .files import FIAFileError
from .fusion import agnostic_threshold, fuse_masks
from .identity import LayerShapes, ModelIdentity
from .mask import NeuronMask
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
from .report import FusionCounts, FusionReport
from .saliency import contrastive_saliency, released_saliency, unified_saliency
from .sensitivity import (
    GRANULARITIES,
    SensitivityAccumulator,
    concept_sensitive_mask,
    time_integrated_sensitivity,
)
from .statistics import (
    SALIENCY_FORMS,
    RunningMean,
    RunningMoments,
    prompt_saliencies,
    prompt_saliency,
)

__all__ = [
    "DEFAULT_CONTEXT_COUNT",
    "GRANULARITIES",
    "KINDS",
    "MAX_SPATIAL_SPARSITY",
    "PRESETS",
    "SALIENCY_FORMS",
    "ConceptProfile",
    "FIAFileError",
    "FusionCounts",
    "FusionReport",
    "FusionResult",
    "LayerShapes",
    "ModelIdentity",
    "NeuronMask",
    "Preset",
    "PromptTemplates",
    "RunningMean",
    "RunningMoments",
    "SensitivityAccumulator",
    "SparseSensitivity",
    "agnostic_threshold",
    "base_prompts",
    "build_concept_mask",
    "concept_prompts",
    "concept_sensitive_mask",
    "contrastive_saliency",
    "default_contexts",
    "default_templates",
    "fuse_masks",
    "fuse_neuron_masks",
    "prompt_saliencies",
    "prompt_saliency",
    "released_saliency",
    "time_integrated_sensitivity",
    "unified_saliency",
]
