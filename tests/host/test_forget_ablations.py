"""The ablations in the real host: unchanged they are the method, changed they do what their name
says."""

from typing import Any

import pytest
import torch
from comparison import assert_close_sensitivities
from compositions import patched_weights
from forgetting import after, prompts
from tiny_model import TinyModel

CONCEPTS = ("church", "golf ball")
PARTS = ("base", True, True)  # contrast, frequency, normalize


def sensitivities(
    extension: Any, tiny: TinyModel, parts: Any = PARTS, rows: str = "conditional"
) -> list[Any]:
    """Profiles of the variant."""
    request = prompts(extension).request(CONCEPTS)
    variant = extension.module("benchmarks.forget.variant")
    return variant._profiles(tiny.model, tiny.clip, request, "ffn2", rows, parts)


@pytest.fixture(scope="module")
def unchanged(extension: Any, tiny: TinyModel) -> list[Any]:
    """Profiles of the variant that changes nothing."""
    with torch.inference_mode():
        return sensitivities(extension, tiny)


def test_unchanged_it_is_the_shipped_profile(
    extension: Any, tiny: TinyModel, unchanged: list[Any]
) -> None:
    request = prompts(extension).request(CONCEPTS)
    shipped = extension.module("benchmarks.forget.fia").profiles(
        tiny.model, tiny.clip, request, use_cache=False
    )
    assert [profile.concept for profile in unchanged] == [profile.concept for profile in shipped]
    for one, other in zip(shipped, unchanged, strict=True):
        assert one.layers.keys() == other.layers.keys()
        assert_close_sensitivities(
            one, {name: layer.dense() for name, layer in other.layers.items()}
        )


@pytest.mark.parametrize(
    "change",
    [
        {"parts": ("nothing", True, True)},
        {"parts": ("others", True, True)},
        {"parts": ("base", False, True)},
        {"parts": ("base", True, False)},
        {"rows": "all"},
    ],
    ids=str,
)
def test_each_change_changes_the_sensitivities(
    extension: Any, tiny: TinyModel, unchanged: list[Any], change: dict[str, Any]
) -> None:
    plain, changed = unchanged[0], sensitivities(extension, tiny, **change)[0]
    same = [
        torch.equal(layer.dense(), changed.layers[name].dense())
        for name, layer in plain.layers.items()
    ]
    assert not any(same)


def test_without_the_frequency_term_it_is_the_mean_saliency(
    extension: Any, tiny: TinyModel
) -> None:
    """Eq. 3 as printed less half of the shares of steps is half the mean saliency."""
    printed = sensitivities(extension, tiny, ("base", True, False))[0]
    mean = sensitivities(extension, tiny, ("base", False, True))[0]
    steps = prompts(extension).profile_steps
    for name, layer in mean.layers.items():
        both = (layer.dense() > 0) & (printed.layers[name].dense() > 0)
        shares = (printed.layers[name].dense() - 0.5 * layer.dense())[both] * 2 * steps
        assert both.any()
        assert torch.allclose(shares, shares.round(), atol=1e-3)


@pytest.mark.parametrize(
    ("layers", "place"),
    [
        ("ffn1", "ff.net.0.proj"),
        ("cross-attention keys", "attn2.to_k"),
        ("self-attention values", "attn1.to_v"),
    ],
)
def test_other_layers_are_profiled_and_pruned(
    extension: Any, tiny: TinyModel, layers: str, place: str
) -> None:
    groups = extension.module("benchmarks.forget.settings")
    erased = after(
        extension,
        "variant.variant",
        tiny,
        *CONCEPTS,
        profiling=prompts(extension, "Profiling"),
        masking=groups.Masking(spatial_sparsity=5.0, agnostic_ratio=100.0),
        layers=layers,
    )
    assert all(name.endswith(place) for name in erased.mask.layers) and erased.mask.count > 0
    patched = erased.model.get_key_patches("diffusion_model.")
    assert {key for key, stack in patched.items() if len(stack) > 1} == {
        f"{name}.weight" for name in erased.mask.layers
    }


def test_masks_of_equal_size(extension: Any, tiny: TinyModel, mask: Any) -> None:
    masks = extension.module("benchmarks.forget.ablations")
    random, again, other = (masks.randomly_chosen(mask, seed) for seed in (1, 1, 2))
    largest = masks.largest(tiny.model, mask)
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(tiny.model)
    for name, pruned in mask.layers.items():
        count = int(pruned.sum())
        assert int(random.layers[name].sum()) == int(largest.layers[name].sum()) == count
        assert torch.equal(random.layers[name], again.layers[name])
        weight = layers[name].weight.detach().abs()
        if count:
            assert weight[largest.layers[name]].min() >= weight[~largest.layers[name]].max()
    assert any(not torch.equal(random.layers[n], other.layers[n]) for n in mask.layers)


def test_a_union_holds_what_any_mask_holds(extension: Any, mask: Any) -> None:
    masks = extension.module("benchmarks.forget.ablations")
    random = masks.randomly_chosen(mask, 1)
    union = masks.union_mask([mask, random])
    for name, pruned in union.layers.items():
        assert torch.equal(pruned, mask.layers[name] | random.layers[name])


def test_whole_units_are_pruned_with_all_their_weights(
    extension: Any, unchanged: list[Any]
) -> None:
    masking = extension.module("benchmarks.forget.settings").Masking(spatial_sparsity=5.0)
    found = extension.module("benchmarks.forget.ablations").unit_mask(unchanged[0], masking)
    for name, pruned in found.layers.items():
        by_unit = unchanged[0].layers[name].dense().sum(0)
        units = pruned.any(0)
        assert torch.equal(units, pruned.all(0))
        assert int(units.sum()) == max(1, round(0.05 * len(units)))
        assert by_unit[units].min() >= by_unit[~units].max()


def test_one_budget_takes_the_largest_of_all_layers(extension: Any, unchanged: list[Any]) -> None:
    masking = extension.module("benchmarks.forget.settings").Masking(spatial_sparsity=5.0)
    found = extension.module("benchmarks.forget.ablations").model_wide_mask(unchanged[0], masking)
    pruned = torch.cat([layer.flatten() for layer in found.layers.values()])
    values = torch.cat([unchanged[0].layers[name].dense().flatten() for name in found.layers])
    assert 0 < int(pruned.sum()) <= round(0.05 * len(pruned))
    assert values[pruned].min() > values[~pruned].max()
    shares = {float(layer.float().mean()) for layer in found.layers.values()}
    assert len(shares) > 1


def test_the_most_sensitive_weights_are_weakened_most(extension: Any, tiny: TinyModel) -> None:
    profiling = prompts(extension, "Profiling")
    masking = extension.module("benchmarks.forget.settings").Masking(spatial_sparsity=5.0)
    settings = {"profiling": profiling, "masking": masking, "use_cache": False, "strength": 0.5}
    mask = after(extension, "fia.fia", tiny, **settings).mask
    erased = after(extension, "graded.graded", tiny, **settings)
    request = profiling.request(("church",))
    profile = extension.module("benchmarks.forget.fia").profiles(
        tiny.model, tiny.clip, request, use_cache=False
    )[0]
    before = patched_weights(tiny.model, mask)
    for key, weakened in patched_weights(erased.model, mask).items():
        pruned = mask.layers[key]
        assert torch.equal(weakened[~pruned], before[key][~pruned])
        scale = weakened[pruned] / before[key][pruned]
        sensitivity = profile.layers[key].dense()[pruned]
        assert torch.allclose(scale, 1 - 0.5 * sensitivity / sensitivity.mean(), atol=1e-4)
        assert len(scale.unique()) > 1


def test_a_weight_is_spared_where_a_kept_name_is_more_sensitive(
    extension: Any, tiny: TinyModel
) -> None:
    profiling = prompts(extension, "Profiling")
    masking = extension.module("benchmarks.forget.settings").Masking(spatial_sparsity=5.0)
    settings = {"profiling": profiling, "masking": masking, "use_cache": False}
    whole = after(extension, "fia.fia", tiny, **settings).mask
    assert after(extension, "graded.spared", tiny, **settings).mask.count == whole.count
    spared = after(extension, "graded.spared", tiny, kept=("golf ball",), **settings).mask
    request = profiling.request(CONCEPTS)
    church, ball = extension.module("benchmarks.forget.fia").profiles(
        tiny.model, tiny.clip, request, use_cache=False
    )
    for name, pruned in spared.layers.items():
        more = church.layers[name].dense() > ball.layers[name].dense()
        assert torch.equal(pruned, whole.layers[name] & more)
    assert 0 < spared.count < whole.count


def test_a_second_round_prunes_what_the_first_left(extension: Any, tiny: TinyModel) -> None:
    groups = extension.module("benchmarks.forget.settings")
    settings: dict[str, Any] = {
        "profiling": prompts(extension, "Profiling"),
        "masking": groups.Masking(spatial_sparsity=5.0, agnostic_ratio=100.0),
    }
    method = "ablations.second_round"
    once, twice = (
        after(extension, method, tiny, *CONCEPTS, rounds=rounds, **settings).mask
        for rounds in (1, 2)
    )
    for name, pruned in once.layers.items():
        assert torch.equal(pruned & twice.layers[name], pruned)
    assert twice.count > once.count and twice.concepts == CONCEPTS


def test_of_two_concepts_each_is_what_the_other_is_contrasted_with(
    extension: Any, tiny: TinyModel
) -> None:
    """Eq. 2 at one step, σ being 0: S = max(0, μ_c − μ_other)."""
    variant = extension.module("benchmarks.forget.variant")
    request = prompts(extension, profile_steps=1).request(CONCEPTS)

    def mean(contrast: str) -> list[Any]:
        parts = (contrast, False, True)
        return variant._profiles(tiny.model, tiny.clip, request, "ffn2", "conditional", parts)

    church, ball = mean("nothing")
    compared = 0
    for name, layer in mean("others")[0].layers.items():
        found, of_church, of_ball = (
            one.dense() for one in (layer, church.layers[name], ball.layers[name])
        )
        kept = (found > 0) & (of_church > 0) & (of_ball > 0)
        assert torch.allclose(found[kept], (of_church - of_ball)[kept], atol=1e-6)
        compared += int(kept.sum())
    assert compared > 100


def test_one_concept_has_no_others(extension: Any, tiny: TinyModel) -> None:
    with pytest.raises(ValueError, match=r"^concepts: is one"):
        after(
            extension,
            "variant.variant",
            tiny,
            "church",
            profiling=prompts(extension, "Profiling"),
            masking=extension.module("benchmarks.forget.settings").Masking(),
            contrast="others",
        )


def test_units_are_a_choice_of_every_concepts_own(extension: Any, tiny: TinyModel) -> None:
    masking = extension.module("benchmarks.forget.settings").Masking(agnostic_ratio=100.0)
    erased = after(
        extension,
        "ablations.other_choice",
        tiny,
        *CONCEPTS,
        profiling=prompts(extension, "Profiling"),
        masking=masking,
        use_cache=False,
        choice="units",
    )
    assert erased.mask.count > 0 and erased.mask.concepts == CONCEPTS
    for pruned in erased.mask.layers.values():
        assert torch.equal(pruned.any(0), pruned.all(0))
