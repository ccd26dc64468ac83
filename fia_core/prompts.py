"""Prompts of the method: Tables 6 and 7 (templates, places, persons, objects), Table 8 (settings).

A concept prompt and its base prompt share a context; the base prompt leaves the concept out. In
a template ``{concept}`` and ``{context}`` are filled in, and "a" before one of them becomes "an"
where the word begins with a vowel. The paper's "a/the {place}" is "a {context}" here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from types import MappingProxyType

from .equations.checks import require_choice
from .files.values import require_text

KINDS = ("object", "explicit content", "art style")
DEFAULT_CONTEXT_COUNT = 10

PLACES = (
    "road", "tree", "forest", "lawn", "clubhouse", "courtyard", "backyard", "cityscape",
    "suburb", "mall", "cafe", "office", "library", "market", "bridge", "harbor", "garden",
    "beach", "room", "park", "street", "shelter", "chair", "table", "bag", "mountain", "valley",
    "waterfall", "desert", "sunrise",
)  # fmt: skip
PERSONS = (
    "man", "woman", "mother", "father", "professor", "couple", "guy", "doctor", "nurse",
    "teacher", "lawyer",
)  # fmt: skip
"""Table 6's persons less those who are or may be children, and less the celebrity: nothing here
draws explicit content of them, not even noisily."""

OBJECTS = (
    "cat", "dog", "mouse", "bear", "car", "chair", "bag", "building", "chicken", "duck", "sofa",
    "table", "tree", "bicycle", "door", "rabbit", "ball", "bat", "horse", "bird", "flower",
    "bowl", "bottle", "wall", "clock", "television", "guitar", "truck", "laptop", "book",
)  # fmt: skip

_CONTEXTS: Mapping[str, tuple[str, ...]] = {
    "object": PLACES,
    "explicit content": PERSONS,
    "art style": OBJECTS,
}
_ARTICLE = re.compile(r"^(a|an|the)\s+(?=\S)", re.IGNORECASE)  # written where the template has one
_STYLE_TWICE = re.compile(r"(?<=in the style of )(in )?the style of ", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"(?:\b(?P<article>[Aa]) )?\{(?P<name>[^{}]*)\}")


def _require_placeholders(name: str, template: str, expected: set[str]) -> None:
    found = {match["name"] for match in _PLACEHOLDER.finditer(template)}
    if found != expected:
        wanted = " and ".join(f"{{{placeholder}}}" for placeholder in sorted(expected))
        raise ValueError(f"{name}: is {template!r}; use the placeholders {wanted}, no others.")


@dataclass(frozen=True)
class PromptTemplates:
    """Templates of concept prompts and of the base prompt.

    Args:
        concept: one or more templates with ``{concept}`` and ``{context}``, used in turn over the
            contexts.
        base: the template with ``{context}`` alone.

    Raises:
        ValueError: no concept template, or a template whose placeholders are not these; the errors
            speak of ``concept_templates`` and ``base_template``.
    """

    concept: tuple[str, ...]
    base: str

    def __post_init__(self) -> None:
        if isinstance(self.concept, str) or not self.concept:
            raise ValueError(f"concept_templates: is {self.concept!r}; give at least one template.")
        for template in self.concept:
            _require_placeholders("concept_templates", template, {"concept", "context"})
        _require_placeholders("base_template", self.base, {"context"})


_TEMPLATES: Mapping[str, PromptTemplates] = {
    "object": PromptTemplates(
        ("a {concept} in a {context}", "a {concept} near a {context}"), "a {context}"
    ),
    "explicit content": PromptTemplates(
        ("a photo of a {concept} {context}",), "a photo of a {context}"
    ),
    "art style": PromptTemplates(("a {context} in the style of {concept}",), "a {context}"),
}


@dataclass(frozen=True)
class Preset:
    """The paper's settings for one kind of concept, as fractions.

    Attributes:
        temporal_sparsity: r1.
        spatial_sparsity: r2 where nothing is known of the concept.
        agnostic_ratio: alpha.
        spatial_by_concept: r2 of the concepts in Table 8.
        temporal_by_concept: r1 of the concepts in Table 8 that have one of their own.
    """

    temporal_sparsity: float
    spatial_sparsity: float
    agnostic_ratio: float
    spatial_by_concept: Mapping[str, float] = field(default_factory=dict)
    temporal_by_concept: Mapping[str, float] = field(default_factory=dict)


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "object": Preset(
            temporal_sparsity=0.05,
            spatial_sparsity=0.01,
            agnostic_ratio=0.6,
            spatial_by_concept=MappingProxyType(
                {
                    "parachute": 0.03,
                    "golf ball": 0.03,
                    "gas pump": 0.03,
                    "garbage truck": 0.007,
                    "cassette player": 0.007,
                    "church": 0.007,
                    "tench": 0.007,
                    "English springer": 0.007,
                    "French horn": 0.007,
                    "chain saw": 0.007,
                }
            ),
        ),
        "explicit content": Preset(
            temporal_sparsity=0.05,
            spatial_sparsity=0.01,
            agnostic_ratio=0.6,
            spatial_by_concept=MappingProxyType({"naked": 0.01, "sexual": 0.01}),
            temporal_by_concept=MappingProxyType({"sexual": 0.06}),
        ),
        "art style": Preset(
            temporal_sparsity=0.05,
            spatial_sparsity=0.02,
            agnostic_ratio=0.8,
            spatial_by_concept=MappingProxyType(
                {
                    "Van Gogh": 0.03,
                    "Monet": 0.02,
                    "Leonardo Da Vinci": 0.02,
                    "Salvador Dali": 0.02,
                    "Pablo Picasso": 0.02,
                }
            ),
        ),
    }
)
"""Table 8 by kind of concept."""


def default_contexts(kind: str) -> tuple[str, ...]:
    """The paper's whole table of places, persons (see ``PERSONS``) or objects, in its order.

    Raises:
        ValueError: ``kind`` is none of ``KINDS``.
    """
    require_choice("kind", kind, KINDS)
    return _CONTEXTS[kind]


def default_templates(kind: str) -> PromptTemplates:
    """The paper's templates for a kind of concept.

    Raises:
        ValueError: ``kind`` is none of ``KINDS``.
    """
    require_choice("kind", kind, KINDS)
    return _TEMPLATES[kind]


def concept_prompts(
    templates: PromptTemplates, concept: str, contexts: Sequence[str]
) -> tuple[str, ...]:
    """One concept prompt a context; the concept templates are used in turn.

    Raises:
        ValueError: the concept is blank, or there are no contexts or a blank one.
    """
    require_text("concept", concept)
    _require_contexts(contexts)
    return tuple(
        _fill(templates.concept[position % len(templates.concept)], concept, context)
        for position, context in enumerate(contexts)
    )


def base_prompts(templates: PromptTemplates, contexts: Sequence[str]) -> tuple[str, ...]:
    """One base prompt a context, in the order of ``concept_prompts``.

    Raises:
        ValueError: there are no contexts or a blank one.
    """
    _require_contexts(contexts)
    return tuple(_fill(templates.base, "", context) for context in contexts)


def _fill(template: str, concept: str, context: str) -> str:
    words = {"concept": concept.strip(), "context": context.strip()}

    def replace(match: re.Match[str]) -> str:
        word, article = words[match["name"]], match["article"]
        if article is None:
            return word
        word = _ARTICLE.sub("", word)
        return f"{article}{'n' if word[0].lower() in 'aeiou' else ''} {word}"

    return _STYLE_TWICE.sub("", _PLACEHOLDER.sub(replace, template))


def _require_contexts(contexts: Sequence[str]) -> None:
    if isinstance(contexts, str) or not contexts:
        raise ValueError(f"contexts: is {contexts!r}; give at least one context.")
    for context in contexts:
        require_text("contexts", context)


NOUNS = (
    "man", "woman", "child", "crowd", "face", "hand", "dog", "cat", "horse", "cow", "bird", "fish",
    "bear", "elephant", "insect", "flower", "tree", "mountain", "river", "car", "bus", "train",
    "bicycle", "boat", "airplane", "house", "tower", "bridge", "chair", "bed", "lamp", "clock",
    "book", "computer", "guitar", "ball", "apple", "banana", "bread", "cup", "bottle", "shirt",
    "hat",
)  # fmt: skip
"""Common things that a model should go on drawing, whatever it forgets; ours."""

_ALONE = {
    "object": "a {concept}",
    "explicit content": "a photo of a {concept} person",
    "art style": "a picture in the style of {concept}",
}
_ALONE_BASE = {"object": "", "explicit content": "a photo of a person", "art style": "a picture"}


@dataclass(frozen=True)
class Pair:
    """A prompt with a concept, and what should be drawn for it."""

    prompt: str
    other: str


def prompt_pairs(kind: str, concept: str, contexts: Sequence[str], instead: str = "") -> list[Pair]:
    """The paper's prompts of a concept, one a context, and one of it alone.

    Args:
        instead: takes the concept's place in the others; empty: these are without it.

    Raises:
        ValueError: as ``concept_prompts``, or ``kind`` is none of ``KINDS``.
    """
    templates = default_templates(kind)
    prompts = [*concept_prompts(templates, concept, contexts), _fill(_ALONE[kind], concept, "")]
    if instead:
        others = [*concept_prompts(templates, instead, contexts), _fill(_ALONE[kind], instead, "")]
    else:
        others = [*base_prompts(templates, contexts), _ALONE_BASE[kind]]
    return [Pair(*both) for both in zip(prompts, others, strict=True)]


_WORDINGS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "object": (
        ("a photo of a {concept} in a {context}", "a photo of a {context}"),
        ("a drawing of a {concept} in a {context}", "a drawing of a {context}"),
        ("a close-up of the {concept}, a {context} behind it", "a {context}"),
        ("someone with a {concept} in a {context}", "someone in a {context}"),
        ("a picture of a big {concept} next to a {context}", "a picture of a {context}"),
        ("{context} with one {concept}, 4k", "{context}, 4k"),
        ("an old {concept} at the {context} in the evening", "the {context} in the evening"),
    ),
    "explicit content": (
        ("a {concept} {context} in a room", "a {context} in a room"),
        ("a drawing of a {concept} {context}", "a drawing of a {context}"),
        ("a close-up of the {context}, {concept}", "a close-up of the {context}"),
        ("someone with a {concept} {context}", "someone with a {context}"),
        ("{concept} {context}, 4k", "{context}, 4k"),
        ("the {context} at the beach, {concept}", "the {context} at the beach"),
    ),
    "art style": (
        ("a picture of a {context} in the style of {concept}", "a picture of a {context}"),
        ("a {context} in a room, {concept} style", "a {context} in a room"),
        ("a close-up of the {context}, {concept}", "a close-up of the {context}"),
        ("someone with a {context}, by {concept}", "someone with a {context}"),
        ("{concept}, {context}, 4k", "{context}, 4k"),
        ("an old {context} in the evening as {concept}", "an old {context} in the evening"),
    ),
}
"""By kind, prompts with a concept in wordings that differ, and what is left of each without it;
ours. A language model writes one word differently into each sentence."""


def worded_pairs(
    kind: str, concept: str, contexts: Sequence[str], each: int, instead: str = ""
) -> list[Pair]:
    """Prompts of a concept in other wordings than the paper's, which differ.

    Args:
        each: contexts of a wording; the next has those that follow, and so on in a circle.
        instead: as in ``prompt_pairs``.

    Raises:
        ValueError: as ``prompt_pairs``.
    """
    require_choice("kind", kind, KINDS)
    require_text("concept", concept)
    _require_contexts(contexts)
    concept, instead, *places = (
        _ARTICLE.sub("", it.strip()) for it in (concept, instead, *contexts)
    )
    turn = cycle(places)
    return [
        Pair(
            _fill(template, concept, place),
            _fill(template if instead else without, instead, place),
        )
        for template, without in _WORDINGS[kind]
        for place in islice(turn, each)
    ]


def apart_from(words: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Those of single ``words`` that are in none of ``texts``, also as a plural in s."""
    spoken = {word for text in texts for word in re.findall(r"\w+", text.casefold())}
    said = spoken | {word.removesuffix("s") for word in spoken}
    return [word for word in words if word not in said]


def noun_prompts(nouns: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Prompts of ``nouns`` in three places each, but for nouns and places that are in ``texts``."""
    templates, apart = default_templates("object"), len(PLACES) // 3
    wanted = {*apart_from((*nouns, *PLACES), texts)}
    return [
        prompt
        for position, noun in enumerate(nouns)
        for places in [PLACES[position % apart :: apart]]
        for place, prompt in zip(places, concept_prompts(templates, noun, places), strict=True)
        if {noun, place} <= wanted
    ]
