"""Every peer's rule against its published equations, in float64."""

from typing import Any

import pytest
import torch
from forgetting import random
from torch import Tensor

WIDTH, OUT = 12, 7


@pytest.fixture
def forget(extension: Any) -> Any:
    """A module of ``benchmarks/forget`` by its name."""
    return lambda name: extension.module(f"benchmarks.forget.{name}")


def least_squares(rows: list[Tensor], goals: list[Tensor]) -> Tensor:
    """The X of least Σ ‖rows X − goals‖²."""
    return torch.linalg.lstsq(torch.cat(rows), torch.cat(goals)).solution


def close(found: Tensor, wanted: Tensor) -> bool:
    return torch.allclose(found, wanted, rtol=0, atol=1e-9)


def test_uce_is_the_minimum_of_the_papers_objective(forget: Any) -> None:
    weight, kept = random(OUT, WIDTH, seed=0), random(9, WIDTH, seed=3)
    concept, anchor = random(6, WIDTH, seed=1), random(6, WIDTH, seed=2)
    erase, preserve, ridge = 2.0, 0.3, 0.7
    wanted = least_squares(
        [erase**0.5 * concept, preserve**0.5 * kept, ridge**0.5 * torch.eye(WIDTH).double()],
        [erase**0.5 * anchor @ weight.T, preserve**0.5 * kept @ weight.T, ridge**0.5 * weight.T],
    )
    matrix = forget("uce").edit_matrix(concept, anchor, kept, erase, preserve, ridge)
    assert close(weight + weight @ matrix, wanted.T)


@pytest.mark.parametrize("ridge", [0.05, 1.0, 30.0])
def test_speed_is_the_minimum_in_the_directions_that_are_left(forget: Any, ridge: float) -> None:
    """Least mean ‖(W + ΔW) c − W a‖² + γ ‖ΔW‖² of the ΔW with ΔW r = 0 and ΔW k = 0."""
    speed, weight = forget("speed"), random(OUT, WIDTH, seed=0)
    names, anchors = random(3, WIDTH, seed=1), random(3, WIDTH, seed=2)
    keep, fixed = random(4, WIDTH, seed=3), random(2, WIDTH, seed=4)
    _, values, basis = torch.linalg.svd(torch.cat([keep, fixed]), full_matrices=True)
    left = basis[int((values > 1e-9).sum()) :].T
    size = left.shape[1]
    wanted = left @ least_squares(
        [names @ left / 3**0.5, ridge**0.5 * torch.eye(size).double()],
        [(anchors - names) @ weight.T / 3**0.5, torch.zeros(size, OUT).double()],
    )
    seen = names.T @ names / 3
    moved = anchors.T @ names / 3 - seen
    free = speed.null_space(keep.T @ keep / 4, 1e-9, relative=False)
    edit = speed.null_space_edit(weight, moved, seen, free, fixed, ridge, 0.0)
    assert close(edit, wanted.T) and edit.norm() > 0.1


def test_scapre_is_the_least_of_its_squares(forget: Any) -> None:
    """Row i asks: λ‖w − w₀‖² + Σ (w c)² + s Σ ‖C w − m A w₀‖²."""
    weight, names = random(OUT, WIDTH, seed=0), random(2, WIDTH, seed=1)
    pairs = [(random(4, WIDTH, seed=2), random(4, WIDTH, seed=3)) for _ in names]
    masks = [random(OUT, seed=4 + i).sigmoid() for i in range(2)]
    edit = forget("scapre").masked_edit(weight, names, pairs, masks, 1.5, 0.5)
    for row, plain in enumerate(weight):
        rows = [0.5**0.5 * torch.eye(WIDTH).double(), names]
        goals = [0.5**0.5 * plain, 0 * plain[:2]]
        for (concept, anchor), mask in zip(pairs, masks, strict=True):
            rows.append(1.5**0.5 * concept)
            goals.append(1.5**0.5 * mask[row] * (anchor @ plain))
        wanted = least_squares(rows, [goal[:, None] for goal in goals])
        assert close(edit[row], wanted[:, 0])


@pytest.mark.parametrize("anchors", [1, 3])
def test_double_projections_edits_token_after_token(forget: Any, anchors: int) -> None:
    module, weight = forget("double_projections"), random(OUT, WIDTH, seed=0)
    tokens, goals, keep = (random(rows, WIDTH, seed=rows + 1) for rows in (4, anchors, 5))
    u2, now = module.free_directions(keep, 1e-6), weight.clone()
    for c in tokens:
        s = goals.T
        proxy = goals[0] if anchors == 1 else s @ torch.linalg.inv(s.T @ s) @ s.T @ c
        x = u2.T @ c
        now = now + now @ (proxy - c).outer(x) @ u2.T / x.norm() ** 2
    changed = weight + weight @ module.edit_matrix(tokens, goals, u2)
    assert close(changed, now)
    assert close(changed @ keep.T, weight @ keep.T), "kept tokens stay"


def test_nag_is_the_papers_token_by_token(forget: Any) -> None:
    positive, negative = random(2, 5, 6, seed=0), random(2, 5, 6, seed=1)
    guided, ratios = forget("nag").normalized_attention, []
    found = guided(positive, negative, 4.0, 5.0, 0.3)
    for place in [(row, token) for row in range(2) for token in range(5)]:
        plus, minus = positive[place], negative[place]
        away = 4.0 * plus - 3.0 * minus
        ratio = away.abs().sum() / plus.abs().sum()
        assert close(found[place], 0.3 * away * min(ratio, 5.0) / ratio + 0.7 * plus)
        ratios.append(float(ratio))
    assert min(ratios) < 5.0 < max(ratios)
    assert close(guided(positive, negative, 1.0, 2.5, 0.25), positive), "scale 1 is plain"


SHAPES, STEPS, GROUP, SPARSITY = {"one": (3, 8), "two": (4, 6)}, 2, 2, 0.25


def skilled_by_brute_force(weight: Tensor, x: Tensor, concepts: int) -> Tensor:
    """ConceptPrune's rule, entry by entry, of inputs (steps, prompts, tokens, C_in)."""
    (rows, columns), mask = weight.shape, torch.zeros(weight.shape, dtype=torch.bool)
    for step in x:
        positions = [step[g * GROUP : (g + 1) * GROUP].flatten(0, 1) for g in range(1 + concepts)]
        base, *norms = ((p / p.norm(dim=1, keepdim=True)).norm(dim=0) for p in positions)
        for row in range(rows):
            for norm in norms:
                score = [float(abs(weight[row, j]) * norm[j]) for j in range(columns)]
                best = sorted(range(columns), key=lambda j, score=score: -score[j])
                for j in best[: int(SPARSITY * columns)]:
                    mask[row, j] |= score[j] > float(abs(weight[row, j]) * base[j])
    return mask


@pytest.mark.parametrize("concepts", [1, 2])
def test_skilled_neurons_are_those_of_conceptprunes_rule(forget: Any, concepts: int) -> None:
    count = (1 + concepts) * GROUP
    weights = {name: random(*shape, seed=len(name) + shape[1]) for name, shape in SHAPES.items()}
    inputs = {n: random(STEPS, count, 5, shape[1], seed=concepts) for n, shape in SHAPES.items()}
    for cut in (1, 3):  # prompts come in two parts
        neurons = forget("concept_prune").SkilledNeurons(SHAPES, concepts, GROUP, SPARSITY)
        for step in range(STEPS):
            for name, x in inputs.items():
                for part in (range(cut), range(cut, count)):
                    rows = x[step, part.start : part.stop].float()
                    neurons.add(name, part, weights[name].float(), rows, rows)
            neurons.finish_step()
        for name, mask in neurons.masks().items():
            wanted = skilled_by_brute_force(weights[name].float(), inputs[name].float(), concepts)
            assert wanted.any() and not wanted.all() and torch.equal(mask, wanted)
