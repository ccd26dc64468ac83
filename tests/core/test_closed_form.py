"""FFN2 in closed form is the minimum of its objective."""

from typing import Any

import pytest
import torch
from torch import Tensor

from fia_core.closed_form import ClosedForm

C_OUT, C_IN, TOKENS = 5, 4, 6
CPU = torch.device("cpu")


def random(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


WEIGHT = random(C_OUT, C_IN, seed=0)
SCENES = [random(4, TOKENS, C_IN, seed=seed) for seed in (1, 2)]
"""Two scenes: without a concept, two that are forgotten, one that stays."""


def sums(preserve_scale: float, calls: list[slice], forgotten: int = 2) -> ClosedForm:
    layer = ClosedForm((C_OUT, C_IN), len(SCENES[0]), forgotten, CPU, preserve_scale)
    prompts = torch.cat(SCENES)
    for call in calls:
        layer.add(call.start, prompts[call], prompts[call] @ WEIGHT.T)
    return layer


@pytest.mark.parametrize(
    "calls",
    [
        [slice(0, 8)],
        [slice(0, 3), slice(3, 6), slice(6, 8)],
        [slice(0, 1), slice(1, 5), slice(5, 8)],
    ],
)
@pytest.mark.parametrize("preserve_scale", [1.0, 0.3])
def test_it_is_the_minimum_of_the_objective(calls: list[slice], preserve_scale: float) -> None:
    """In float64: each squared term is a row of one least-squares problem in W' transposed."""
    ridge = 0.7
    changed = WEIGHT + sums(preserve_scale, calls).difference(ridge, CPU)
    read = torch.cat([scene[1:3].flatten(0, 1) for scene in SCENES])
    wanted = torch.cat([scene[0].repeat(2, 1) for scene in SCENES]) @ WEIGHT.T
    others = torch.cat([scene[[0, 3]].flatten(0, 1) for scene in SCENES])
    held = read.T @ read + preserve_scale * others.T @ others
    near = (ridge * held.diagonal().mean()) ** 0.5 * torch.eye(C_IN).double()
    root = preserve_scale**0.5
    inputs = torch.cat([read, root * others, near])
    outputs = torch.cat([wanted, root * others @ WEIGHT.T, near @ WEIGHT.T])
    minimum = torch.linalg.lstsq(inputs, outputs).solution.T
    assert torch.allclose(changed.double(), minimum, atol=1e-5)


def test_the_last_tokens_are_compared_where_numbers_differ() -> None:
    longer, shorter = (ClosedForm((C_OUT, C_IN), 2, 1, CPU) for _ in range(2))
    base, concept = SCENES[0][:1], SCENES[0][1:2]
    text = torch.zeros(1, 2, C_IN)
    for layer, x in ((longer, torch.cat([text, concept], dim=1)), (shorter, concept)):
        layer.add(0, base, base @ WEIGHT.T)
        layer.add(1, x, x @ WEIGHT.T)
    assert torch.equal(longer.difference(0.5, CPU), shorter.difference(0.5, CPU))


def test_it_knows_what_it_cannot_use() -> None:
    layer = ClosedForm((C_OUT, C_IN), 2, 1, CPU)
    x = SCENES[0][:2]
    layer.add(0, x, x @ WEIGHT.T)
    assert layer.is_finite
    layer.add(0, x * float("inf"), x @ WEIGHT.T)
    assert not layer.is_finite


def test_a_layer_that_reads_only_zeros_stays_as_it_is() -> None:
    layer = ClosedForm((C_OUT, C_IN), 2, 1, CPU)
    layer.add(0, torch.zeros(2, TOKENS, C_IN), torch.zeros(2, TOKENS, C_OUT))
    assert not layer.difference(0.5, CPU).any()


class OnAppleGpu(Tensor):
    """A tensor that torch cannot convert to float64 before it has left its device."""

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = (*args, *(kwargs or {}).values())
        if torch.float64 in given[1:]:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        result: Any = super().__torch_function__(func, types, args, kwargs or {})
        return result.as_subclass(Tensor) if func is Tensor.to else result


def test_sums_on_an_apple_gpu_are_solved_on_the_cpu() -> None:
    layer, there = (sums(1.0, [slice(0, 8)]) for _ in range(2))
    there._read = there._read.as_subclass(OnAppleGpu)
    there._moved = there._moved.as_subclass(OnAppleGpu)
    assert torch.equal(there.difference(0.5, CPU), layer.difference(0.5, CPU))
