"""Forget-It-All with the paper's Table 8: every concept with its own two sparsities, all contexts.

``kind`` chooses the prompts and the agnostic ratio. Contexts are the paper's whole table for the
kind, as its published code takes them, unless the workflow or the suite names others.
"""

from collections import defaultdict

from benchmarks.harness.fia_graph import APPLY_SETTINGS, PROFILE_SETTINGS, apply, of_node
from benchmarks.harness.method import Branch, Draft, Link, Method, Setup
from benchmarks.harness.suite import Settings
from fia_core import PRESETS, default_contexts
from fia_core.files.values import same_words

CHOSEN = {"temporal_sparsity"}
"""Settings of profiling that Table 8 gives."""


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    own = of_node(setup, "FIAProfileConcept", settings)
    own["contexts"] = own["contexts"] or "\n".join(default_contexts(own["kind"]))
    preset = PRESETS[own["kind"]]
    together: dict[tuple[float, float], list[str]] = defaultdict(list)
    for concept in concepts:
        together[sparsities(own["kind"], concept)].append(concept)
    masks: list[Link] = []
    for (temporal, spatial), names in together.items():
        inputs = own | {"temporal_sparsity": percent(temporal), "concepts": "\n".join(names)}
        profiles = draft.add("FIAProfileConcept", model=setup.profiled, clip=setup.clip, **inputs)
        shape = of_node(setup, "FIABuildConceptMask", {"spatial_sparsity": percent(spatial)})
        masks.append(draft.add("FIABuildConceptMask", profile=profiles, **shape))
    mask = draft.add(
        "FIAFuseMasks",
        masks=masks[0],
        agnostic_ratio=percent(preset.agnostic_ratio),
        **{f"masks_{number}": further for number, further in enumerate(masks[1:], 2)},
    )
    return apply(draft, setup, mask, settings)


def sparsities(kind: str, concept: str) -> tuple[float, float]:
    """Table 8's r1 and r2 of a concept, fractions; those of its kind where it is not there."""
    preset = PRESETS[kind]
    found = [preset.temporal_sparsity, preset.spatial_sparsity]
    for place, table in enumerate((preset.temporal_by_concept, preset.spatial_by_concept)):
        for name, value in table.items():
            if same_words(name) == same_words(concept):
                found[place] = value
    return found[0], found[1]


def percent(share: float) -> float:
    """As the nodes take it."""
    return round(100 * share, 2)


METHOD = Method(
    "FIA, settings of Table 8", "ours", build, (PROFILE_SETTINGS - CHOSEN) | APPLY_SETTINGS
)
