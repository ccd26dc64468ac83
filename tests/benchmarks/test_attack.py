"""Prompts with {learned}: who is asked by an embedding, and what is posted for it."""

from typing import Any

import pytest
from demo_setup import demo_setup

from benchmarks.harness.attack import prompt_text
from benchmarks.harness.drawing import Brush, shots_graph
from benchmarks.harness.method import Branch, Draft
from benchmarks.harness.registry import method, packs
from benchmarks.harness.shots import group_shots
from benchmarks.harness.suite import Suite, SuiteError, parse_suite

PROFILING = {
    "steps": 20,
    "cfg": 4.0,
    "sampler": "euler",
    "scheduler": "normal",
    "width": 128,
    "height": 128,
    "temporal_sparsity": 5.0,
}
SETUP = demo_setup({"FIAProfileConcept": PROFILING})


@pytest.fixture
def attacked(content: dict[str, Any]) -> dict[str, Any]:
    """A suite that forgets church and car and attacks church."""
    return content | {
        "kept": ["church", "cat", "car"],
        "prompts": ["{object} in {scene}", "a photo of {learned} in {scene}"],
        "groups": [{"name": "both", "concepts": ["church", "car"]}],
        "attack": {"concepts": ["church"], "iterations": 3},
        "quick": {},
    }


def asked(suite: Suite) -> list[tuple[str, str]]:
    shots = group_shots(suite, suite.groups[0], suite.conditions[0], 3, suite.prompts[1])
    return [(shot.object, shot.prompt) for shot in shots if shot.scene == "beach"]


def test_the_attacked_are_asked_by_embedding_and_the_kept_by_name(
    attacked: dict[str, Any],
) -> None:
    suite = parse_suite("small", attacked | {"kept_scenes": 3})
    assert asked(suite) == [
        ("church", "a photo of <church> in a beach"),
        ("cat", "a photo of a cat in a beach"),
    ]


def test_the_embedding_is_learned_through_the_methods_model(attacked: dict[str, Any]) -> None:
    suite = parse_suite("small", attacked)
    draft = SETUP.draft()
    branch = Branch(["erased", 0], ["negative", 0])
    prompt = "a photo of <church> in a beach"
    text = prompt_text(draft, SETUP, branch, suite.attack, prompt)
    assert isinstance(text, list)
    replace = draft.nodes[text[0]]
    assert replace["class_type"] == "StringReplace"
    assert (replace["inputs"]["string"], replace["inputs"]["find"]) == (prompt, "<church>")
    learn = draft.nodes[replace["inputs"]["replace"][0]]
    assert learn["class_type"] == "FIABenchLearnEmbedding"
    told = learn["inputs"]
    assert (told["original"], told["model"]) == (["demo", 0], ["erased", 0])
    assert (told["concept"], told["iterations"], told["seed"]) == ("a church", 3, 1000)
    assert told["templates"].splitlines()[0] == "a photo of {concept} in a park"
    # pictures to learn from are drawn as profiling draws them, whatever the suite's sampler
    assert (told["steps"], told["cfg"]) == (20, 4.0)


def test_every_shot_of_a_graph_gets_its_own_text(attacked: dict[str, Any]) -> None:
    suite = parse_suite("small", attacked)
    shots = group_shots(suite, suite.groups[0], suite.conditions[0], 1)
    brush = Brush(method("base"), (), {}, suite.attack)
    nodes = shots_graph(SETUP, brush, shots)
    texts = [n["inputs"]["text"] for n in nodes.values() if n["class_type"] == "CLIPTextEncode"]
    assert len(texts) == len(shots)
    for shot, text in zip(shots, texts, strict=True):
        assert isinstance(text, list) == ("<" in shot.prompt)


def test_without_an_attack_a_prompt_is_its_own_text(attacked: dict[str, Any]) -> None:
    suite = parse_suite("small", attacked)
    draft = Draft({})
    branch = Branch(["erased", 0], ["negative", 0])
    assert prompt_text(draft, SETUP, branch, suite.attack, "a cat") == "a cat"
    assert not draft.nodes


def test_the_nodes_and_the_hash_go_with_the_attack(attacked: dict[str, Any]) -> None:
    suite = parse_suite("small", attacked)
    assert [path.name for path in packs((), suite.packs)] == ["peer_nodes", "attack_nodes"]
    entry = suite.entries[0]
    longer = attacked | {"attack": {"concepts": ["church"], "iterations": 4}}
    assert suite.settings_hash(entry) != parse_suite("small", longer).settings_hash(entry)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attack": {}}, r"prompts: \{learned\} needs a table \[attack\]"),
        ({"concept": "style", "objects": ["cat"]}, r"attack: embeddings are learned for objects"),
        ({"attack": {"concepts": []}}, r"attack.concepts: is empty"),
        ({"attack": {"concepts": ["cat"]}}, r"attack.concepts: 'cat' is forgotten in no group"),
        ({"attack": {"concepts": ["car"], "lr": 1}}, r"attack.lr: unknown; known are .*learning"),
        ({"attack": {"concepts": ["car"], "seed": 2}}, r"attack.seed: is among seeds"),
        (
            {"attack": {"concepts": ["car"], "templates": ["{concept} in a beach"]}},
            r"attack.templates: '\{concept\} in a beach' is asked for",
        ),
    ],
)
def test_an_attack_that_cannot_be_told_apart_is_refused(
    attacked: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(SuiteError, match=message):
        parse_suite("small", attacked | change)
