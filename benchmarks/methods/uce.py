"""Unified Concept Editing: a closed-form edit of how cross-attention reads the concepts.

``preserve`` may name every concept of a suite; those that are to be forgotten are left out of it.
"""

from benchmarks.harness.method import Branch, Draft, Method, Setup
from benchmarks.harness.suite import Settings

DEFAULTS: Settings = {
    "anchor": "",
    "preserve": [],
    "templates": ["{concept}"],
    "tokens": "from the last word's on",
    "erase_scale": 1.0,
    "preserve_scale": None,
    "ridge": 0.5,
}
LEAST_PRESERVE_SCALE = 0.1
"""The authors' first script weighs each preserved text by 1 / their number, but not below this."""


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    own = {**DEFAULTS, **settings}
    preserved = [name for name in own["preserve"] if name not in concepts]
    own["preserve"] = "\n".join(preserved)
    if own["preserve_scale"] is None:  # the empty text is preserved, too
        own["preserve_scale"] = max(LEAST_PRESERVE_SCALE, 1 / (1 + len(preserved)))
    own["templates"] = "\n".join(own["templates"])
    model = draft.add(
        "FIABenchUCE", model=setup.model, clip=setup.clip, concepts="\n".join(concepts), **own
    )
    return Branch(model, setup.negative)


METHOD = Method("UCE", "peer", build, frozenset(DEFAULTS), packs=("peer_nodes",))
