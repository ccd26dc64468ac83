"""ESD-x: a short fine-tune of cross-attention.

``iterations`` are for each concept. The paper forgets one in 1,000 steps of 1e-5; for the bundled
model, which forgets up to ten, a tenth of that for each did best (suite *peers*).
"""

from benchmarks.harness.method import Branch, Draft, Method, Setup
from benchmarks.harness.suite import Settings

DEFAULTS: Settings = {
    "templates": ["a {concept}"],  # as the bundled model's captions name things
    "iterations": 100,
    "learning_rate": 1e-5,
    "negative_guidance": 1.0,
    "start_guidance": 3.0,
    "schedule_steps": 10,
    "batch_size": 1,
    "seed": 0,
}


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    own = {**DEFAULTS, **settings}
    own["templates"] = "\n".join(own["templates"])
    own["iterations"] *= len(concepts)
    model = draft.add(
        "FIABenchESDx",
        model=setup.model,
        clip=setup.clip,
        concepts="\n".join(concepts),
        width=setup.latent["width"],
        height=setup.latent["height"],
        **own,
    )
    return Branch(model, setup.negative)


METHOD = Method("ESD-x", "trained peer", build, frozenset(DEFAULTS), packs=("peer_nodes",))
