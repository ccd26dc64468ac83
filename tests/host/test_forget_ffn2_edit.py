"""The closed-form edit of FFN2 in the real host: its minimum, and what it changes."""

from typing import Any

import torch
from forgetting import after, prompts, random
from tiny_model import TinyModel

SCENES = 2


def test_it_is_the_minimum_of_the_objective(extension: Any) -> None:
    """In float64: each squared term is a row of one least-squares problem in W' transposed."""
    weight = random(5, 4, seed=0)
    base, concept, kept = (random(SCENES, 6, 4, seed=seed) for seed in (1, 2, 3))
    sums = extension.module("benchmarks.forget.ffn2_edit").TokenSums(SCENES, 1)
    for group, x in enumerate((base, concept, kept)):
        sums.add(range(group * SCENES, (group + 1) * SCENES), x)
    preserve, ridge = 0.3, 0.7
    changed = weight + weight @ sums.matrix(preserve, ridge)
    seen, stays = concept.flatten(0, 1), torch.cat([base, kept]).flatten(0, 1)
    held = seen.T @ seen + preserve * stays.T @ stays
    near = (ridge * held.diagonal().mean()) ** 0.5 * torch.eye(4).double()
    inputs = torch.cat([seen, preserve**0.5 * stays, near])
    outputs = [base.flatten(0, 1) @ weight.T, preserve**0.5 * stays @ weight.T, near @ weight.T]
    wanted = torch.linalg.lstsq(inputs, torch.cat(outputs)).solution.T
    assert torch.allclose(changed, wanted, atol=1e-5)  # sums of float32 products


def test_it_changes_ffn2_alone_and_less_with_more_held(extension: Any, tiny: TinyModel) -> None:
    find = extension.module("nodes.host.model.layers").find_ffn2_layers
    weights = {f"{name}.weight" for name in find(tiny.model)}
    settings = {"prompts": prompts(extension)}

    def changes(**more: Any) -> dict[str, torch.Tensor]:
        erased = after(extension, "ffn2_edit.ffn2_edit", tiny, **settings, **more)
        patched = erased.model.patches
        return {key: patches[0][1][1][0] for key, patches in patched.items()}

    free, held, told = changes(ridge=0.01), changes(ridge=10.0), changes(kept=("cat",))
    assert free.keys() == held.keys() == told.keys() == weights
    for name, difference in free.items():
        assert difference.isfinite().all() and difference.any()
        assert held[name].norm() < difference.norm()
    assert not changes(strength=0.0)
