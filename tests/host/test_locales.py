"""The translations of every node: complete, true to the English, and given out by the host."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

LANGUAGES = ("zh", "ja", "fr", "es")
SENTENCE = 20  # characters; a shorter text may be a name that stays, such as CLIP
LITERAL = re.compile(r"\{'([^']*)'\}")
"""What the page's message format takes as it stands; it would fill {concept} in."""


@pytest.fixture(scope="session")
def english(extension: Any) -> dict[str, str]:
    """Every text of every node that a person sees, by the host's key."""
    return dict(text for node in extension.module("nodes").NODES for text in node_texts(node))


@pytest.fixture(scope="session")
def given(extension: Any) -> dict[str, Any]:
    """What the host's /i18n answers, by language."""
    from app.custom_node_manager import CustomNodeManager

    return CustomNodeManager().build_translations()


def node_texts(node: Any) -> Iterator[tuple[str, str]]:
    schema = node.GET_SCHEMA()
    yield f"{schema.node_id}.display_name", schema.display_name
    yield f"{schema.node_id}.description", schema.description
    for slot in schema.inputs:
        key = f"{schema.node_id}.inputs.{slot.id}"
        yield f"{key}.name", slot.display_name or slot.id
        yield f"{key}.tooltip", slot.tooltip
    for number, slot in enumerate(schema.outputs):
        yield f"{schema.node_id}.outputs.{number}.name", slot.display_name
        yield f"{schema.node_id}.outputs.{number}.tooltip", slot.tooltip


def texts(tree: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of a translation, by key."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from texts(value, f"{above}{key}.")
        else:
            yield above + key, value


def translation(given: dict[str, Any], language: str) -> dict[str, str]:
    return dict(texts(given[language]["nodeDefs"]))


def read(text: str) -> str:
    """The text as the page shows it."""
    return LITERAL.sub(r"\1", text)


def numbers(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d)", ".", text)))


KEPT = (r"\{\w+\}", r"models/\w+", r"%$", r"LoRA|FFN2|Jaccard|euler")
"""Placeholders, places and names."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_has_its_translation_and_there_is_no_other(
    language: str, english: dict[str, str], given: dict[str, Any]
) -> None:
    """Sentences are other words, what must be kept is kept, and the page's message format finds
    nothing to fill in."""
    translated = translation(given, language)
    assert translated.keys() == english.keys()
    for key, text in translated.items():
        original = english[key]
        assert text.strip() == text != ""
        assert len(original) < SENTENCE or read(text) != original, key
        for pattern in KEPT:
            assert {*re.findall(pattern, read(text))} == {*re.findall(pattern, original)}, key
        assert numbers(read(text)) >= numbers(original), key
        assert not set("{}|@") & set(LITERAL.sub("", text)), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_nodes_call_each_other_is_what_they_are_called(
    language: str, given: dict[str, Any]
) -> None:
    nodes = given[language]["nodeDefs"]
    build, load = nodes["FIABuildConceptMask"], nodes["FIALoadNeuronMask"]
    profile = nodes["FIAProfileConcept"]
    assert profile["display_name"] in build["inputs"]["profile"]["tooltip"]
    assert load["display_name"] in nodes["FIASaveNeuronMask"]["description"]
    assert build["display_name"] in nodes["FIAInspectMask"]["inputs"]["kept_masks"]["tooltip"]


def test_english_names_are_those_of_the_schema(
    english: dict[str, str], given: dict[str, Any]
) -> None:
    """The page of ComfyUI 0.3.75 shows an input's id, unless a translation has its name."""
    named = {
        key: text
        for key, text in english.items()
        if ".inputs." in key and key.endswith(".name") and key.split(".")[-2] != text
    }
    assert translation(given, "en") == named
