"""Forget-It-All as it ships, the nodes' own engine without a graph; and with other choices of
weights."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ...fia_core import PRESETS, ConceptProfile, NeuronMask, default_contexts
from ...fia_core.files.values import same_words
from ...nodes.apply_neuron_mask import ApplyNeuronMask
from ...nodes.build_concept_mask import BuildConceptMask
from ...nodes.fields.shared import percentage
from ...nodes.fuse_masks import FuseMasks
from ...nodes.host.profiling.cache import host_cache
from ...nodes.host.profiling.concepts import profile_concepts
from ...nodes.host.profiling.request import ProfileRequest
from .erased import Erased
from .settings import Masking, Profiling, Prompts


def fia(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    profiling: Profiling,
    masking: Masking,
    strength: float = 1.0,
    use_cache: bool = True,
) -> Erased:
    """Profile Concept, Build Concept Mask, Fuse Masks and Apply Neuron Mask.

    Args:
        kept: names whose masks are on Fuse Masks' input *protect*.
        profiling, masking, strength, use_cache: as in the nodes.
    """
    masks, protect = (
        concept_masks(model, clip, some, profiling, masking, use_cache) if some else []
        for some in (concepts, kept)
    )
    return applied(model, clip, fused(masks, masking.agnostic_ratio, protect), strength)


def fia_table8(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    kept: Sequence[str] = (),
    prompts: Prompts,
    saliency_form: str = "exact",
    strength: float = 1.0,
    use_cache: bool = True,
) -> Erased:
    """FIA with the paper's Table 8: every concept with its own two sparsities.

    The kind of the prompts chooses the agnostic ratio. Contexts are the paper's whole table for the
    kind, as its published code takes them, unless others are named. Masks of ``kept`` names are on
    Fuse Masks' input *protect*.
    """
    kind = prompts.kind
    prompts = prompts.model_copy(update={"contexts": prompts.contexts or default_contexts(kind)})

    def masks(names: Sequence[str]) -> list[NeuronMask]:
        together: dict[tuple[float, float], list[str]] = defaultdict(list)
        for name in names:
            together[sparsities(kind, name)].append(name)
        return [
            concept_mask(profile, Masking(spatial_sparsity=percentage(spatial)))
            for (temporal, spatial), alike in together.items()
            for profile in profiles(
                model,
                clip,
                replace(
                    prompts.request(alike),
                    temporal_sparsity=temporal,
                    saliency_form=saliency_form,
                ),
                use_cache,
            )
        ]

    mask = fused(masks(concepts), percentage(PRESETS[kind].agnostic_ratio), masks(kept))
    return applied(model, clip, mask, strength)


def other_choice(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    profiling: Profiling,
    masking: Masking,
    strength: float = 1.0,
    use_cache: bool = True,
    choice: Literal["union", "random"] = "union",
) -> Erased:
    """The method with another last choice of weights.

    Args:
        profiling, masking, strength, use_cache: as in the nodes.
        choice: "union" prunes every weight that any concept's mask holds, none is agnostic;
            "random" as many weights of each layer as FIA, drawn.
    """
    masks = concept_masks(model, clip, concepts, profiling, masking, use_cache)
    if choice == "union":
        return applied(model, clip, union_mask(masks), strength)
    mask = randomly_chosen(fused(masks, masking.agnostic_ratio), seed=0)
    return applied(model, clip, mask, strength)


def sparsities(kind: str, concept: str) -> tuple[float, float]:
    """Table 8's r1 and r2 of a concept, fractions; those of its kind where it is not there."""
    preset = PRESETS[kind]
    found = [preset.temporal_sparsity, preset.spatial_sparsity]
    for place, table in enumerate((preset.temporal_by_concept, preset.spatial_by_concept)):
        for name, value in table.items():
            if same_words(name) == same_words(concept):
                found[place] = value
    return found[0], found[1]


def profiles(
    model: ModelPatcher, clip: CLIP, request: ProfileRequest, use_cache: bool
) -> list[ConceptProfile]:
    """One a concept, from the nodes' cache where they are there."""
    return profile_concepts(model, clip, request, host_cache() if use_cache else None)


def concept_mask(profile: ConceptProfile, masking: Masking) -> NeuronMask:
    """A concept's mask, made by Build Concept Mask."""
    given = masking.spatial_sparsity, masking.granularity
    return BuildConceptMask.execute(profile, *given)[0]


def concept_masks(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    profiling: Profiling,
    masking: Masking,
    use_cache: bool,
) -> list[NeuronMask]:
    """One a concept, in order."""
    request = profiling.request(concepts)
    return [concept_mask(profile, masking) for profile in profiles(model, clip, request, use_cache)]


def fused(
    masks: list[NeuronMask], agnostic_ratio: float, protect: list[NeuronMask] | None = None
) -> NeuronMask:
    """The masks as one, made by Fuse Masks."""
    return FuseMasks.execute(masks, [agnostic_ratio], protect)[0]


def applied(model: ModelPatcher, clip: CLIP, mask: NeuronMask, strength: float) -> Erased:
    """The model as Apply Neuron Mask gives it."""
    return Erased(ApplyNeuronMask.execute(model, mask, strength)[0], clip, mask=mask)


def union_mask(masks: Sequence[NeuronMask]) -> NeuronMask:
    """Every weight that any of the masks holds."""
    first = masks[0]
    layers = {
        name: torch.stack([mask.layers[name] for mask in masks]).any(0) for name in first.layers
    }
    concepts = tuple(dict.fromkeys(concept for mask in masks for concept in mask.concepts))
    return replace(first, layers=layers, concepts=concepts, settings={"fusion": "union"})


def randomly_chosen(mask: NeuronMask, seed: int) -> NeuronMask:
    """As many weights of each layer as ``mask`` holds, drawn without replacement."""
    generator = torch.Generator().manual_seed(seed)
    layers = {}
    for name, pruned in mask.layers.items():
        order = torch.randperm(pruned.numel(), generator=generator)
        chosen = torch.zeros(pruned.numel(), dtype=torch.bool)
        chosen[order[: int(pruned.sum())]] = True
        layers[name] = chosen.reshape(pruned.shape)
    return replace(mask, layers=layers, settings={"choice": "random", "seed": seed})
