"""Safe Latent Diffusion: each step of sampling is guided away from the concepts."""

from benchmarks.harness.method import Branch, Draft, Method, Setup
from benchmarks.harness.suite import Settings

DEFAULTS: Settings = {
    "templates": ["a {concept}"],  # as the bundled model's captions name things,
    "joint": " and ",  # and join them: it never saw a comma
    "setting": "max",
    "safety_scale": 5000.0,
    "threshold": 1.0,
    "warm_up": 0.0,
    "momentum_scale": 0.5,
    "momentum_decay": 0.7,
}
"""The numbers count where ``setting`` is "custom"."""


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    own = {**DEFAULTS, **settings}
    own["templates"] = "\n".join(own["templates"])
    model = draft.add(
        "FIABenchSLD", model=setup.model, clip=setup.clip, concepts="\n".join(concepts), **own
    )
    return Branch(model, setup.negative)


METHOD = Method("SLD", "peer", build, frozenset(DEFAULTS), packs=("peer_nodes",))
