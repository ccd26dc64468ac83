"""The model as it is: what every method is compared with."""

from benchmarks.harness.method import Branch, Draft, Method, Setup
from benchmarks.harness.suite import Settings


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    return Branch(setup.model, setup.negative)


METHOD = Method("base model", "base", build)
