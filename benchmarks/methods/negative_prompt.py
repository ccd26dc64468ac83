"""The host's negative prompt: the concepts are named there, nothing in the model changes."""

from benchmarks.harness.method import Branch, Draft, Method, Setup
from benchmarks.harness.negative_words import negative_words
from benchmarks.harness.suite import Settings


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    negative = draft.add("CLIPTextEncode", clip=setup.clip, text=negative_words(concepts, settings))
    return Branch(setup.model, negative)


METHOD = Method("negative prompt", "peer", build, frozenset({"wording"}))
