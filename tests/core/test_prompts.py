"""Tables 6 to 8 and the filling of templates."""

from collections.abc import Callable

import pytest

from fia_core import (
    DEFAULT_CONTEXT_COUNT,
    KINDS,
    PRESETS,
    PromptTemplates,
    base_prompts,
    concept_prompts,
    default_contexts,
    default_templates,
)
from fia_core.prompts import noun_prompts, worded_pairs

PAPERS_CONTEXTS = {
    "object": "road, tree, forest, lawn, clubhouse, courtyard, backyard, cityscape, suburb, mall, "
    "cafe, office, library, market, bridge, harbor, garden, beach, room, park, street, shelter, "
    "chair, table, bag, mountain, valley, waterfall, desert, sunrise",
    "explicit content": "man, woman, mother, father, professor, couple, guy, doctor, nurse, "
    "teacher, lawyer",
    "art style": "cat, dog, mouse, bear, car, chair, bag, building, chicken, duck, sofa, table, "
    "tree, bicycle, door, rabbit, ball, bat, horse, bird, flower, bowl, bottle, wall, clock, "
    "television, guitar, truck, laptop, book",
}
"""Tables 6 and 7; of the persons those who are adults, and not the celebrity."""


@pytest.mark.parametrize("kind", KINDS)
def test_contexts_are_the_papers_tables(kind: str) -> None:
    contexts = default_contexts(kind)
    assert ", ".join(contexts) == PAPERS_CONTEXTS[kind]
    assert len(contexts) >= DEFAULT_CONTEXT_COUNT


def test_no_context_of_explicit_content_may_be_a_child() -> None:
    young = {"girl", "boy", "kid", "child", "student", "group of friends", "celebrity"}
    assert not young & set(default_contexts("explicit content"))


PROMPTS = [
    ("object", "church", "road|office|tree", "a church in a road|a church near an office"),
    ("object", " English springer ", "beach|park", "an English springer in a beach"),
    ("object", "an apple", "the beach|park", "an apple in a beach|an apple near a park"),
    ("explicit content", "naked", "group of friends", "a photo of a naked group of friends"),
    ("art style", "Van Gogh", "cat|apple", "a cat in the style of Van Gogh|an apple in the style"),
    ("art style", "The style of Monet", "cat|apple", "a cat in the style of Monet|an apple in"),
]
BASES = {
    "object": ("the beach|office|park", "a beach|an office|a park"),
    "explicit content": ("man|group of friends", "a photo of a man|a photo of a group of friends"),
    "art style": ("cat|apple", "a cat|an apple"),
}


@pytest.mark.parametrize(("kind", "concept", "contexts", "expected"), PROMPTS)
def test_prompts_of_each_kind(kind: str, concept: str, contexts: str, expected: str) -> None:
    prompts = concept_prompts(default_templates(kind), concept, tuple(contexts.split("|")))
    assert "|".join(prompts).startswith(expected)
    contexts, expected = BASES[kind]
    bases = base_prompts(default_templates(kind), tuple(contexts.split("|")))
    assert "|".join(bases) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_further_wordings_differ_by_the_concept_alone(kind: str) -> None:
    contexts = default_contexts(kind)[:5]
    without = worded_pairs(kind, " an Owl ", contexts, 2)
    instead = worded_pairs(kind, "Owl", contexts, 2, "the Elk")
    for position, (one, other) in enumerate(zip(without, instead, strict=True)):
        context = contexts[position % 5]
        assert [text.count(context) for text in (one.prompt, one.other)] == [1, 1]
        assert one.prompt.count("Owl") == 1 and "Owl" not in one.other
        assert other.prompt == one.prompt and other.other == one.prompt.replace("Owl", "Elk")
    assert len({one.prompt for one in without}) == len(without) >= 12


def test_nouns_and_places_that_are_forgotten_do_not_stay_nor_do_those_of_a_plural() -> None:
    told = " ".join(noun_prompts(("cat", "dog", "bus", "hat"), ("Cats", "a bus", "dog, or")))
    assert told.count("a hat") == 3 and not {"cat", "dog", "bus"} & set(told.split())
    told = noun_prompts(("fish", "hat"), ("a cafe", "two streets"))
    assert len(told) == 4 and not {"cafe", "street"} & set(" ".join(told).split())


def test_words_are_filled_in_as_they_are() -> None:
    templates = PromptTemplates(("A {concept}, {context}",), "{context}")
    odd = r"{context} \1 a orange"
    assert concept_prompts(templates, odd, ("{concept}",)) == (rf"A {odd}, {{concept}}",)
    assert base_prompts(templates, ("{concept}",)) == ("{concept}",)
    assert concept_prompts(templates, "owl", ("a oak",)) == ("An owl, a oak",)


def test_presets_are_table_8() -> None:
    assert set(PRESETS) == set(KINDS)
    objects, explicit, styles = (PRESETS[kind] for kind in KINDS)
    assert [preset.spatial_sparsity for preset in PRESETS.values()] == [0.01, 0.01, 0.02]
    assert [preset.agnostic_ratio for preset in PRESETS.values()] == [0.6, 0.6, 0.8]
    assert {preset.temporal_sparsity for preset in PRESETS.values()} == {0.05}
    assert len(objects.spatial_by_concept) == 10
    hard = ("parachute", "golf ball", "gas pump")
    for concept, sparsity in objects.spatial_by_concept.items():
        assert sparsity == (0.03 if concept in hard else 0.007)
    assert styles.spatial_by_concept["Van Gogh"] == 0.03
    assert styles.spatial_by_concept["Monet"] == 0.02
    assert explicit.temporal_by_concept == {"sexual": 0.06}


@pytest.mark.parametrize("function", [default_contexts, default_templates])
def test_unknown_kind_is_named(function: Callable[[str], object]) -> None:
    with pytest.raises(ValueError, match=r"^kind: is 'place'; choose one of 'object'"):
        function("place")


@pytest.mark.parametrize(
    ("concept", "base", "complaint"),
    [
        ((), "a {context}", r"^concept_templates: is \(\); give at least one"),
        ("a {concept} {context}", "a {context}", r"^concept_templates: is 'a \{concept\}"),
        (
            ("a {concept}",),
            "a {context}",
            "^concept_templates: is 'a {concept}'; use the placeholders",
        ),
        (("a {concept} in {place}",), "a {context}", "^concept_templates: .*use the placeholders"),
        (("a {concept} {context}",), "a {concept}", "^base_template: is 'a {concept}'; use the"),
        (
            ("a {concept} {context}",),
            "nothing",
            "^base_template: is 'nothing'; use the placeholders",
        ),
    ],
)
def test_bad_templates_are_named(concept: tuple[str, ...], base: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        PromptTemplates(concept, base)


@pytest.mark.parametrize("concept", ["", "  \n"])
def test_blank_concept_is_named(concept: str) -> None:
    with pytest.raises(ValueError, match=r"^concept: has "):
        concept_prompts(default_templates("object"), concept, ("road",))


@pytest.mark.parametrize("contexts", [(), ("road", " "), "road"])
def test_bad_contexts_are_named(contexts: tuple[str, ...]) -> None:
    for make in (
        lambda: concept_prompts(default_templates("object"), "church", contexts),
        lambda: base_prompts(default_templates("object"), contexts),
    ):
        with pytest.raises(ValueError, match=r"^contexts: "):
            make()
