"""ConceptPrune in the real host: the rule by brute force, and a mask that the pack can apply."""

from typing import Any

import pytest
import torch
from forgetting import after, prompts
from graphs import Host, draw
from tiny_model import TinyModel

PROFILE_STEPS, PERCENT = 3, 2.0
SHAPES = {"one": (3, 8), "two": (4, 6)}
STEPS, GROUP, TOKENS = 2, 2, 5
SPARSITY = 0.25


def found(extension: Any, tiny: TinyModel, *concepts: str) -> Any:
    """The method's result."""
    few = prompts(extension, profile_steps=PROFILE_STEPS, batch_size=0)
    return after(
        extension,
        "concept_prune.concept_prune",
        tiny,
        *concepts,
        prompts=few,
        sparsity=PERCENT,
    )


def activations(concepts: int) -> dict[str, torch.Tensor]:
    """Inputs of both layers, (steps, prompts, tokens, C_in)."""
    generator = torch.Generator().manual_seed(concepts)
    size = (STEPS, (1 + concepts) * GROUP, TOKENS)
    return {
        name: torch.randn(*size, shape[1], generator=generator) for name, shape in SHAPES.items()
    }


def skilled(extension: Any, inputs: dict[str, torch.Tensor], concepts: int, cut: int) -> Any:
    """Masks of ``SkilledNeurons``; prompts come in two parts, ``cut`` in the first."""
    module = extension.module("benchmarks.forget.concept_prune")
    neurons = module.SkilledNeurons(SHAPES, concepts, GROUP, SPARSITY)
    for step in range(STEPS):
        for name, x in inputs.items():
            for part in (range(cut), range(cut, x.shape[1])):
                rows = x[step, part.start : part.stop]
                neurons.add(name, part, weight_of(name), rows, rows @ weight_of(name).T)
        neurons.finish_step()
    return neurons.masks()


def weight_of(name: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(len(name) + SHAPES[name][1])
    return torch.randn(SHAPES[name], generator=generator)


def unit(x: torch.Tensor) -> torch.Tensor:
    """Every position's activation with length 1: (positions, columns)."""
    positions = x.flatten(0, -2)
    return positions / positions.norm(dim=1, keepdim=True)


def by_brute_force(inputs: dict[str, torch.Tensor], concepts: int) -> dict[str, torch.Tensor]:
    """The rule, entry by entry."""
    masks = {}
    for name, (rows, columns) in SHAPES.items():
        weight, mask = weight_of(name), torch.zeros(SHAPES[name], dtype=torch.bool)
        count = int(SPARSITY * columns)
        for step in range(STEPS):
            norms = [
                unit(inputs[name][step, group * GROUP : (group + 1) * GROUP]).norm(dim=0)
                for group in range(1 + concepts)
            ]
            for row in range(rows):
                base = [abs(weight[row, j].item()) * norms[0][j].item() for j in range(columns)]
                for norm in norms[1:]:
                    score = [abs(weight[row, j].item()) * norm[j].item() for j in range(columns)]
                    best = sorted(range(columns), key=lambda j, score=score: -score[j])[:count]
                    for j in best:
                        if score[j] > base[j]:
                            mask[row, j] = True
        masks[name] = mask
    return masks


@pytest.mark.parametrize("concepts", [1, 2])
def test_skilled_neurons_are_those_of_the_papers_rule(extension: Any, concepts: int) -> None:
    inputs = activations(concepts)
    wanted = by_brute_force(inputs, concepts)
    for cut in (1, 3):
        masks = skilled(extension, inputs, concepts, cut)
        for name in SHAPES:
            assert wanted[name].any() and not wanted[name].all()
            assert torch.equal(masks[name], wanted[name])


def test_a_concept_that_looks_like_its_base_has_no_skilled_neurons(extension: Any) -> None:
    inputs = {name: x[:, :GROUP].repeat(1, 2, 1, 1) for name, x in activations(1).items()}
    assert not any(mask.any() for mask in skilled(extension, inputs, 1, 2).values())


def test_its_mask_is_applied_and_the_model_stays(
    extension: Any, host: Host, tiny: TinyModel
) -> None:
    plain = draw(host, tiny, tiny.model)
    erased = found(extension, tiny)
    assert erased.mask.concepts == ("church",) and erased.mask.count > 0
    for pruned in erased.mask.layers.values():
        assert pruned.sum(dim=1).max() <= PROFILE_STEPS * int(PERCENT / 100 * pruned.shape[1])
    assert not torch.equal(draw(host, tiny, erased.model), plain)
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(tiny.model)
    assert not any(layer._forward_hooks for layer in layers.values())
    assert torch.equal(draw(host, tiny, tiny.model), plain)


def test_the_mask_of_two_concepts_is_the_union(extension: Any, tiny: TinyModel) -> None:
    church, cat, both = (
        found(extension, tiny, *names).mask for names in (("church",), ("cat",), ("church", "cat"))
    )
    for name, pruned in both.layers.items():
        assert torch.equal(pruned, church.layers[name] | cat.layers[name])
