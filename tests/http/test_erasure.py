"""The main job, judged: the demo workflow forgets two objects and draws the others as before."""

from typing import Any

import pytest

from demo_model.judge import load_judge
from demo_model.vocabulary import OBJECTS, STYLES
from workbench.erasure import PLAIN, Answer, Case, Shot, ask
from workbench.graph import ApiGraph

FORGET = ("church", "golf ball")
KEPT = tuple(name for name in OBJECTS if name not in FORGET)[::2]
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
