"""UCE in the real host: the closed form, what it maps where, and that nothing else changes."""

from typing import Any

import pytest
import torch
from forgetting import after, random
from pydantic import TypeAdapter, ValidationError
from tiny_model import TinyModel

CROSS_ATTENTION_LAYERS = 7  # of the tiny model
INPUTS = {
    "anchor": "",
    "preserve": ("cat",),
    "templates": ("{concept}", "photo of {concept}"),
    "tokens": "from the last word's on",
    "erase_scale": 1.0,
    "preserve_scale": 0.1,
    "ridge": 0.5,
}


@pytest.fixture(scope="module")
def uce(extension: Any) -> Any:
    return extension.module("benchmarks.forget.uce")


@pytest.fixture(scope="module")
def weights(extension: Any) -> Any:
    return extension.module("benchmarks.forget.denoiser_weights")


def edited(extension: Any, tiny: TinyModel, *concepts: str, **inputs: Any) -> Any:
    return after(extension, "uce.uce", tiny, *concepts, **{**INPUTS, **inputs}).model


def test_the_closed_form_is_the_minimum_of_the_papers_objective(uce: Any) -> None:
    weight = random(5, 4, seed=0)
    concept, anchor, kept = random(6, 4, seed=1), random(6, 4, seed=2), random(9, 4, seed=3)
    erase, preserve, ridge = 2.0, 0.3, 0.7
    # Each squared term of the objective is a row of one least-squares problem in W' transposed.
    inputs = [erase**0.5 * concept, preserve**0.5 * kept, ridge**0.5 * torch.eye(4).double()]
    outputs = [
        erase**0.5 * anchor @ weight.T,
        preserve**0.5 * kept @ weight.T,
        ridge**0.5 * weight.T,
    ]
    wanted = torch.linalg.lstsq(torch.cat(inputs), torch.cat(outputs)).solution.T
    matrix = uce.edit_matrix(concept, anchor, kept, erase, preserve, ridge)
    assert torch.allclose(weight + weight @ matrix, wanted)


def test_erased_tokens_map_as_the_anchor_and_kept_ones_as_before(uce: Any) -> None:
    weight = random(7, 16, seed=0)
    concept, anchor, kept = random(3, 16, seed=1), random(3, 16, seed=2), random(4, 16, seed=3)
    changed = weight + weight @ uce.edit_matrix(concept, anchor, kept, 1.0, 1.0, 1e-9)
    assert torch.allclose(concept @ changed.T, anchor @ weight.T, atol=1e-6)
    assert torch.allclose(kept @ changed.T, kept @ weight.T, atol=1e-6)
    assert not torch.allclose(concept @ weight.T, anchor @ weight.T, atol=1e-2)


def test_tokens_are_paired_from_the_last_word_on(uce: Any) -> None:
    concept, anchor = torch.arange(10).reshape(5, 2), torch.arange(10, 20).reshape(5, 2)
    ours, theirs = uce.aligned_tokens(concept, 3, anchor, 1)
    assert torch.equal(ours, concept[3:]) and torch.equal(theirs, anchor[1:3])


@pytest.mark.parametrize(("prompt", "place"), [("", 0), ("church", 1), ("a golf ball", 3)])
def test_the_last_word_is_found(extension: Any, tiny: TinyModel, prompt: str, place: int) -> None:
    (text,) = extension.module("benchmarks.forget.text_states").text_states(tiny.clip, [prompt])
    assert (text.start, text.last) == (1, place)


def test_only_keys_and_values_change_and_bring_the_concept_to_the_anchor(
    extension: Any, tiny: TinyModel, weights: Any
) -> None:
    names = weights.text_projections(tiny.model)
    careless = edited(extension, tiny, anchor="tree", ridge=0.01, preserve=())
    careful = edited(extension, tiny, anchor="tree", ridge=0.01, preserve_scale=1.0)
    assert set(careful.patches) == set(names) and len(names) == 2 * CROSS_ATTENTION_LAYERS
    encode = extension.module("nodes.host.denoising.conditioning").encode_prompts
    church, tree, cat = (
        prompt["cond"][0] for prompt in encode(tiny.clip, ["church", "tree", "cat"])
    )
    before, loose, tight = (
        weights.weights_in_effect(model, names) for model in (tiny.model, careless, careful)
    )
    for name in names:
        wanted, kept = tree[1:] @ before[name].T, cat @ before[name].T
        gap = (church[1:] @ before[name].T - wanted).norm()
        assert (church[1:] @ loose[name].T - wanted).norm() < 0.5 * gap
        assert (cat @ tight[name].T - kept).norm() < 0.5 * (cat @ loose[name].T - kept).norm()


def test_only_the_last_words_tokens_are_mapped_and_kept_where_that_is_asked(
    extension: Any, tiny: TinyModel, weights: Any
) -> None:
    node = extension.module("benchmarks.forget.uce")
    encode = extension.module("nodes.host.denoising.conditioning").encode_prompts
    church, ball = (prompt["cond"][0] for prompt in encode(tiny.clip, ["church", "golf ball"]))
    start = encode(tiny.clip, [""])[0]["cond"][0]
    erased, wanted = node._token_pairs(tiny.clip, ["church"], [""], True)
    assert torch.equal(erased, church[1:2].double())
    assert torch.equal(wanted, start[:1].double())
    kept = node._kept_tokens(tiny.clip, ["", "golf ball"], True)
    assert torch.equal(kept, torch.stack([start[0], ball[2]]).double())
    name = weights.text_projections(tiny.model)[0]
    of_all, of_one = (
        weights.weights_in_effect(edited(extension, tiny, tokens=tokens), [name])[name]
        for tokens in (node.ALL_FROM_LAST, node.ONLY_LAST)
    )
    assert not torch.allclose(of_all, of_one)


def test_the_weight_in_effect_is_edited(extension: Any, tiny: TinyModel, weights: Any) -> None:
    name = weights.text_projections(tiny.model)[0]
    plain = weights.weights_in_effect(tiny.model, [name])[name]
    twice = tiny.model.clone()
    twice.add_patches({name: ("diff", (plain.clone(),))})
    change = weights.weights_in_effect(edited(extension, tiny), [name])[name] - plain
    model = TinyModel(twice, tiny.clip, tiny.vae)
    of_twice = weights.weights_in_effect(edited(extension, model), [name])[name]
    assert torch.allclose(of_twice, 2 * (plain + change), atol=1e-5)


def test_scale_0_leaves_no_patch(extension: Any, tiny: TinyModel) -> None:
    assert not edited(extension, tiny, erase_scale=0.0).patches


def test_preserved_texts_are_weighed_by_their_number(
    extension: Any, uce: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The empty text is one of them; not below 0.1, as in the authors' first script."""
    scales: list[float] = []

    def spy(*inputs: Any) -> torch.Tensor:
        scales.append(inputs[4])
        return torch.zeros(inputs[0].shape[1], inputs[0].shape[1], dtype=torch.float64)

    monkeypatch.setattr(uce, "edit_matrix", spy)
    for kept in (0, 1, 19, 30):
        preserve = ("church", *(f"thing {number}" for number in range(kept)))
        edited(extension, tiny, preserve=preserve, preserve_scale=None, templates=("{concept}",))
    assert scales == pytest.approx([1.0, 0.5, 0.1, 0.1]), "church is to be forgotten"


def test_a_text_that_is_too_long_is_refused(extension: Any, tiny: TinyModel) -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        edited(extension, tiny, "church " * 80)


def test_a_template_without_the_concept_is_refused(extension: Any) -> None:
    templates = TypeAdapter(extension.module("benchmarks.forget.texts").Templates)
    with pytest.raises(ValidationError, match=r"'church' has no \{concept\}; put it in"):
        templates.validate_python(["church"])
