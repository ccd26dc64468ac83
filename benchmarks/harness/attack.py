"""Prompts with {learned}: an embedding, learned through the model that forgot, asks for it.

Where a method changes the model's weights, the embedding is learned through them; where it changes
sampling only, the weights are the base model's, and the method meets its embedding in sampling.
"""

import re

from demo_model.vocabulary import with_article

from .method import Branch, Draft, Link, Setup
from .suite import Attack

SAMPLING = ("steps", "cfg", "sampler", "scheduler", "width", "height")
"""Settings that the pictures to learn from share with the pictures that profiling looks at."""


def stand_in(concept: str) -> str:
    """What stands in a shot's prompt where its embedding belongs: ``"<church>"``."""
    return f"<{concept}>"


def prompt_text(
    draft: Draft, setup: Setup, branch: Branch, attack: Attack | None, prompt: str
) -> str | Link:
    """The text to encode: the prompt, or one with the file that the branch's model is made to fill.

    The node learns once for the same weights and settings; later graphs find the file.
    """
    found = re.search(r"<(.+)>", prompt)
    if not found or attack is None:
        return prompt
    templates = "\n".join(attack.settings["templates"])
    profiling = setup.defaults["FIAProfileConcept"]
    embedding = draft.add(
        "FIABenchLearnEmbedding",
        original=setup.model,
        model=branch.model,
        clip=setup.clip,
        concept=with_article(found[1]),
        **{**attack.settings, "templates": templates},
        **{key: profiling[key] for key in SAMPLING},
    )
    return draft.add("StringReplace", string=prompt, find=found[0], replace=embedding)
