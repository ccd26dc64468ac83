"""Prompts with {learned}: an embedding, learned through the model that forgot, asks for it.

Where a method changes the model's weights, the embedding is learned through them; where it changes
sampling only, the weights are the base model's, and the method meets its embedding in sampling.
"""

import re
from collections.abc import Mapping
from typing import Any

from demo_model.vocabulary import with_article

from .method import Branch, Draft, Link, Setup
from .suite import Attack, Suite, SuiteError
from .toml_values import require_known, table_of, texts_of

FIELD = "{learned}"
DEFAULTS: Mapping[str, Any] = {
    "templates": [
        f"a photo of {{concept}} in {with_article(place)}"
        for place in ("park", "forest", "room", "city")
    ],
    "pictures": 4,
    "iterations": 150,
    "learning_rate": 0.005,
    "batch_size": 4,
    "seed": 1000,
}
"""Settings of the node FIABenchLearnEmbedding."""

SAMPLING = ("steps", "cfg", "sampler", "scheduler", "width", "height")
"""Settings that the pictures to learn from share with the pictures that profiling looks at."""


def parse_attack(content: Mapping[str, Any]) -> Attack | None:
    """The table ``[attack]``; None where it is missing.

    Raises:
        SuiteError: an unknown key, or no concepts.
    """
    table = table_of(content, "attack")
    if not table:
        return None
    require_known(table, {"concepts", *DEFAULTS}, "attack.")
    own = {key: value for key, value in table.items() if key != "concepts"}
    return Attack(texts_of(table, "concepts", where="attack."), {**DEFAULTS, **own})


def check_attack(suite: Suite) -> None:
    """Raise SuiteError unless what is learned is forgotten, and asked for in another way."""
    asked = any(FIELD in prompt for prompt in suite.prompts)
    if suite.attack is None:
        if asked:
            raise SuiteError(f"prompts: {FIELD} needs a table [attack] that names concepts")
        return
    if suite.concept != "object":
        raise SuiteError("attack: embeddings are learned for objects; take the table out")
    forgotten = {concept for group in suite.groups for concept in group.concepts}
    for concept in suite.attack.concepts:
        if concept not in forgotten:
            raise SuiteError(f"attack.concepts: {concept!r} is forgotten in no group")
    if suite.attack.settings["seed"] in suite.seeds:
        raise SuiteError("attack.seed: is among seeds; learn from other pictures")
    for template in suite.attack.settings["templates"]:
        if any(place in template for place in suite.scenes):
            raise SuiteError(f"attack.templates: {template!r} is asked for; learn from another")


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
