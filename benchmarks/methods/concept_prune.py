"""ConceptPrune's rule, profiled with the prompts and the sampler that FIA is profiled with."""

from benchmarks.harness.fia_graph import PROFILE_SETTINGS, apply, of_node
from benchmarks.harness.method import Branch, Draft, Method, Setup
from benchmarks.harness.suite import Settings

SPARSITY = 1.0  # percent of a row at a step
SHARED = PROFILE_SETTINGS - {
    "concept_templates",
    "base_template",
    "temporal_sparsity",
    "saliency_form",
    "use_cache",
}


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    profile = of_node(setup, "FIAProfileConcept", settings)
    mask = draft.add(
        "FIABenchConceptPrune",
        model=setup.profiled,
        clip=setup.clip,
        concepts="\n".join(concepts),
        sparsity=settings.get("sparsity", SPARSITY),
        **{key: profile[key] for key in SHARED},
    )
    return apply(draft, setup, mask, settings)


METHOD = Method(
    "ConceptPrune", "peer", build, SHARED | {"sparsity", "strength"}, packs=("peer_nodes",)
)
