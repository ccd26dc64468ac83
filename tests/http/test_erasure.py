"""The main job, judged: the demo workflow forgets two objects and draws the others as before."""

from typing import Any

import pytest

from demo_model.judge import load_judge
from demo_model.vocabulary import OBJECTS, STYLES
from workbench.erasure import PLAIN, Answer, Case, Shot, ask, evaluation_graph
from workbench.graph import ApiGraph

FORGET = ("church", "golf ball")
KEPT = tuple(name for name in OBJECTS if name not in FORGET)
SEED = 11
ASKED = (
    *(Shot(name, scene, SEED) for name in FORGET for scene in ("beach", "desert", "ocean")),
    *(Shot(name, "snow field", SEED) for name in KEPT),
)


@pytest.fixture
def workflow(client: Any) -> ApiGraph:
    """The demo workflow as it is, with fewer steps to draw with."""
    graph = client.demo_workflow()
    for node in graph.values():
        if node["class_type"] == "KSampler":
            node["inputs"]["steps"] = 5
    return graph


def found(answers: list[Answer], names: tuple[str, ...]) -> list[bool]:
    return [answer.right for answer in answers if answer.shot.object in names]


def test_the_judge_no_longer_finds_what_was_forgotten(client: Any, workflow: ApiGraph) -> None:
    judge = load_judge(tuple(OBJECTS), STYLES)
    before, after = (
        client.wait(ask(client.server, workflow, case, ASKED, judge))
        for case in (PLAIN, Case(FORGET, 1.0))
    )
    assert all(found(before, FORGET))
    assert not any(found(after, FORGET))
    kept = sum(found(before, KEPT))
    assert kept >= 0.9 * len(KEPT)
    assert sum(found(after, KEPT)) >= 0.9 * kept


def test_an_evaluation_graph_has_what_its_case_needs(client: Any, workflow: ApiGraph) -> None:
    shots = ASKED[:2]
    plain, erased = (evaluation_graph(workflow, case, shots) for case in (PLAIN, Case(FORGET, 1.5)))

    def inputs(graph: ApiGraph, kind: str) -> list[dict[str, Any]]:
        return [node["inputs"] for node in graph.values() if node["class_type"] == kind]

    assert not inputs(plain, "FIAProfileConcept") and not inputs(plain, "FIAApplyNeuronMask")
    (profile,) = inputs(erased, "FIAProfileConcept")
    assert profile["concepts"] == "church\ngolf ball"
    (apply,) = inputs(erased, "FIAApplyNeuronMask")
    assert apply["strength"] == 1.5
    for graph in (plain, erased):
        drawn = inputs(graph, "KSampler")
        assert [node["seed"] for node in drawn] == [SEED, SEED]
        texts = [graph[node["positive"][0]]["inputs"]["text"] for node in drawn]
        assert texts == ["a photo of a church in a beach", "a photo of a church in a desert"]
        assert inputs(graph, "EmptyLatentImage")[0]["batch_size"] == 1
