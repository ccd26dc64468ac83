"""Unified Concept Editing: a closed-form edit of how cross-attention reads the concepts.

``preserve`` may name every concept of a suite; those that are to be forgotten are left out of it.
"""

from benchmarks.harness.method import Branch, Draft, Method, Setup
from benchmarks.harness.suite import Settings

DEFAULTS: Settings = {
    "anchor": "",
    "preserve": [],
    "templates": [
        "{concept}",
        "image of {concept}",
        "photo of {concept}",
        "portrait of {concept}",
        "picture of {concept}",
        "painting of {concept}",
    ],
    "erase_scale": 1.0,
    "preserve_scale": 0.1,
    "ridge": 0.5,
}


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    own = {**DEFAULTS, **settings}
    own["preserve"] = "\n".join(name for name in own["preserve"] if name not in concepts)
    own["templates"] = "\n".join(own["templates"])
    model = draft.add(
        "FIABenchUCE", model=setup.model, clip=setup.clip, concepts="\n".join(concepts), **own
    )
    return Branch(model, setup.negative)


METHOD = Method("UCE", "peer", build, frozenset(DEFAULTS), packs=("peer_nodes",))
