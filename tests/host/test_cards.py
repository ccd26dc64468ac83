"""Memory plans for models of true size on cards that are not there."""

from collections.abc import Iterator
from typing import Any

import pytest

CARDS = (6, 8, 12, 16, 24)


@pytest.fixture(scope="module")
def cards(extension: Any) -> Any:
    return extension.module("benchmarks.true_size_rows.cards")


@pytest.fixture(scope="module", params=["SD 1.5", "SDXL", "Flux"])
def load(request: pytest.FixtureRequest, cards: Any) -> Iterator[Any]:
    yield next(load for load in cards.LOADS if load.name.startswith(request.param))


def test_four_prompts_a_call_wherever_four_pictures_can_be_sampled(
    extension: Any, cards: Any, load: Any
) -> None:
    model = cards.patcher(load, cards.PATCHERS["plain"])
    placed = [cards.placement(extension, load, model, size) for size in CARDS]
    assert all(each.prompts >= 4 for each in placed if each.samples_four)
    assert all(each.samples_four for each in placed[1:])
    assert all(each.weights >= 0 for each in placed)
    if not load.name.startswith("Flux"):
        assert all(each.moments == 1 for each in placed), "also on 8 GB"
        assert all(each.weights == 1 for each in placed[2:])


def test_plans_do_not_depend_on_the_patcher_or_on_what_is_loaded(
    extension: Any, cards: Any, load: Any
) -> None:
    plain, dynamic = (cards.patcher(load, kind) for kind in cards.PATCHERS.values())
    for size in CARDS:
        placed = cards.placement(extension, load, plain, size)
        assert cards.placement(extension, load, plain, size, loaded=0.3) == placed
        assert cards.placement(extension, load, dynamic, size, loaded=0.3) == placed


def test_the_predicted_cost_is_of_counted_work(extension: Any, cards: Any) -> None:
    prediction = extension.module("benchmarks.true_size_rows.prediction")
    load = next(load for load in cards.LOADS if load.name.startswith("SD 1.5"))
    model = cards.patcher(load, cards.PATCHERS["plain"])
    work = prediction.counted_work(extension, model, load.side)
    assert work.sampling == pytest.approx(1.606e12, rel=1e-3)  # both halves of guidance
    assert work.product / work.sampling == pytest.approx(0.0319, rel=1e-2)
    card = prediction.Card("one", flops=100, bandwidth=1000)
    wider = prediction.Card("another", flops=100, bandwidth=2000)
    assert 1 < work.ratio(wider, 0.5) < work.ratio(card, 0.5)
    assert work.ratio(card, 0.25) < work.ratio(card, 0.5)
