"""The project's own chain of nodes, from concepts to a model that forgot them."""

from collections.abc import Mapping
from typing import Any

from .method import Branch, Draft, Link, Method, Setup

PROFILE_SETTINGS = frozenset(
    {
        "kind",
        "contexts",
        "concept_templates",
        "base_template",
        "seed",
        "steps",
        "profile_steps",
        "cfg",
        "sampler",
        "scheduler",
        "width",
        "height",
        "batch_size",
        "temporal_sparsity",
        "saliency_form",
        "use_cache",
    }
)
BUILD_SETTINGS = frozenset({"spatial_sparsity", "granularity"})
FUSE_SETTINGS = frozenset({"agnostic_ratio"})
APPLY_SETTINGS = frozenset({"strength"})
FIA_SETTINGS = PROFILE_SETTINGS | BUILD_SETTINGS | FUSE_SETTINGS | APPLY_SETTINGS | {"dtype"}

Settings = Mapping[str, Any]


def concept_masks(
    draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings
) -> Link:
    """One mask a concept, by the shipped nodes; settings are those of the workflow or given.

    With a ``dtype`` the denoiser computes in it while it is profiled, and cached profiles, which
    are the same for all of them, are not taken.
    """
    own = of_node(setup, "FIAProfileConcept", settings)
    model = setup.profiled
    if "dtype" in settings:
        model = draft.add("ModelComputeDtype", model=model, dtype=settings["dtype"])
        own["use_cache"] = False
    profiles = draft.add(
        "FIAProfileConcept", model=model, clip=setup.clip, **own, concepts="\n".join(concepts)
    )
    return build_masks(draft, setup, profiles, settings)


def build_masks(draft: Draft, setup: Setup, profiles: Link, settings: Settings) -> Link:
    """One mask a profile."""
    own = of_node(setup, "FIABuildConceptMask", settings)
    return draft.add("FIABuildConceptMask", profile=profiles, **own)


def fuse(draft: Draft, setup: Setup, masks: Link, settings: Settings) -> Link:
    """One mask for all."""
    return draft.add("FIAFuseMasks", masks=masks, **of_node(setup, "FIAFuseMasks", settings))


def apply(
    draft: Draft,
    setup: Setup,
    mask: Link,
    settings: Settings,
    node: str = "FIAApplyNeuronMask",
) -> Branch:
    """Draw with the masked model."""
    own = of_node(setup, "FIAApplyNeuronMask", settings)
    model = draft.add(node, model=setup.model, mask=mask, **own)
    return Branch(model, setup.negative, mask=mask)


def of_node(setup: Setup, class_type: str, settings: Settings) -> dict[str, Any]:
    """A node's settings: the workflow's, and over them those of ``settings`` that are its own.

    A list of texts stands for a field with one a line.
    """
    own = {key: value for key, value in settings.items() if key in _OWN[class_type]}
    lines = {key: "\n".join(value) for key, value in own.items() if isinstance(value, list)}
    return {**setup.defaults[class_type], **own, **lines}


_OWN = {
    "FIAProfileConcept": PROFILE_SETTINGS,
    "FIABuildConceptMask": BUILD_SETTINGS,
    "FIAFuseMasks": FUSE_SETTINGS,
    "FIAApplyNeuronMask": APPLY_SETTINGS,
}


def fixed(title: str, kind: Any, **settings: Any) -> Method:
    """The shipped chain with some settings fixed; the others stay free."""

    def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], free: Settings) -> Branch:
        both = {**free, **settings}
        masks = concept_masks(draft, setup, concepts, both)
        return apply(draft, setup, fuse(draft, setup, masks, both), both)

    return Method(title, kind, build, FIA_SETTINGS - settings.keys())


def variant(title: str, **changes: Any) -> Method:
    """An ablation of profiling: the chain with the benchmarks' profiling node, changed as said.

    Args:
        title: for people.
        changes: of the node FIABenchmarkProfile: ``layers``, ``contrast``, ``frequency``,
            ``normalize``, ``rows``.
    """

    def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
        own = of_node(setup, "FIAProfileConcept", settings)
        known = {key: own[key] for key in VARIANT_SETTINGS}
        profiles = draft.add(
            "FIABenchmarkProfile",
            model=setup.profiled,
            clip=setup.clip,
            concepts="\n".join(concepts),
            **known,
            **changes,
        )
        masks = build_masks(draft, setup, profiles, settings)
        mask = fuse(draft, setup, masks, settings)
        return apply(draft, setup, mask, settings, "FIABenchmarkApplyMask")

    known = VARIANT_SETTINGS | BUILD_SETTINGS | FUSE_SETTINGS | APPLY_SETTINGS
    return Method(title, "ablation", build, known, packs=("ablation_nodes",))


VARIANT_SETTINGS = PROFILE_SETTINGS - {"concept_templates", "base_template", "use_cache"}
