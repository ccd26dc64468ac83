"""Apply Neuron Mask in the real host: exact on weights, gone without a trace."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.supported_models import SD20
from compositions import apply, patched_weights, weights
from graphs import apply_node, draw, profile_graph
from masks_and_loras import with_lora
from tiny_model import TinyModel, tiny_denoiser

DTYPES = [
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
]
STRENGTHS = [0.5, 1.0, 2.0]


def bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous().view(torch.uint8)


def changed_by_nothing(model: ModelPatcher, mask: Any) -> ModelPatcher:
    """A clone of ``model`` with a patch on every FFN2 weight that adds zeros."""
    clone = model.clone()
    zeros = {name: ("diff", (torch.zeros(shape),)) for name, shape in mask.shapes.items()}
    assert clone.add_patches({f"{name}.weight": patch for name, patch in zeros.items()})
    return clone


def without(mask: Any, *emptied: str) -> Any:
    """A mask like ``mask`` that prunes nothing of the layers ``emptied``."""
    layers = {
        name: torch.zeros_like(pruned) if name in emptied else pruned
        for name, pruned in mask.layers.items()
    }
    return replace(mask, layers=layers)


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_masked_weights_change_and_come_back(
    extension: Any, mask: Any, dtype: torch.dtype, strength: float
) -> None:
    model = tiny_denoiser(dtype)
    before = weights(model, mask)
    # the host rounds 8-bit weights again whenever a patch touches them
    untouched = patched_weights(changed_by_nothing(model, mask), mask)
    during = patched_weights(apply(extension, model, mask, strength), mask)
    after = weights(model, mask)
    for name, pruned in mask.layers.items():
        assert pruned.any()
        old, new = before[name].float(), during[name].float()
        assert torch.equal(new[~pruned], untouched[name].float()[~pruned])
        if dtype.itemsize > 1:
            assert torch.equal(new[~pruned], old[~pruned])
        wanted = old[pruned] * (1 - strength)
        assert torch.allclose(new[pruned], wanted, rtol=torch.finfo(dtype).eps, atol=1e-2)
        if strength == 1.0 or dtype.itemsize > 1:
            assert torch.equal(new[pruned], wanted.to(dtype).float())
        assert torch.equal(bits(after[name]), bits(before[name]))


def test_strength_0_leaves_no_patch(extension: Any, mask: Any) -> None:
    model = tiny_denoiser(torch.float8_e4m3fn)
    assert not apply(extension, model, mask, 0.0).patches, "8-bit weights would be rounded again"


def test_an_empty_mask_leaves_no_patch(extension: Any, mask: Any) -> None:
    model = tiny_denoiser(torch.float8_e4m3fn)
    assert not apply(extension, model, without(mask, *mask.layers), 1.0).patches
    first, *others = mask.layers
    patched = apply(extension, model, without(mask, first), 1.0).patches
    assert set(patched) == {f"{name}.weight" for name in others}


def test_two_masks_on_one_model(extension: Any, mask: Any) -> None:
    twice = apply(extension, apply(extension, tiny_denoiser(), mask, 0.5), mask, 0.5)
    before = weights(twice, mask)
    during = patched_weights(twice, mask)
    for name, pruned in mask.layers.items():
        assert torch.equal(during[name][pruned], before[name][pruned] * 0.25)


def test_the_host_may_rebuild_the_patch(extension: Any, mask: Any) -> None:
    masked = apply(extension, tiny_denoiser(), mask, 1.0)
    name, pruned = next(iter(mask.layers.items()))
    ((_, patch, *_),) = masked.patches[f"{name}.weight"]
    rebuilt = type(patch)(patch.loaded_keys, patch.weights)
    weight = torch.ones(pruned.shape)
    rebuilt.calculate_weight(weight, "key", 1.0, 1.0, None, None)
    assert torch.equal(weight, (~pruned).float())


def test_weights_that_are_off_the_device_are_masked_at_use(
    extension: Any, mask: Any, host: Any, tiny: TinyModel, request: pytest.FixtureRequest
) -> None:
    whole = draw(host, tiny, apply(extension, tiny_denoiser(), mask, 1.0))
    request.getfixturevalue("small_gpu")
    masked = apply(extension, tiny_denoiser(), mask, 1.0)
    partly = draw(host, tiny, masked)
    assert masked.lowvram_patch_counter() == len(mask.layers), "the host loaded the whole model"
    assert torch.allclose(whole, partly, atol=1e-4)


def test_a_change_of_strength_does_not_profile_again(host: Any, tiny: TinyModel) -> None:
    host.forget()
    graph = profile_graph(host, tiny.model, tiny.clip)
    graph["apply"] = apply_node()
    host.run(graph, "apply")
    (before,) = host.run(graph, "profile")
    graph["apply"]["inputs"]["strength"] = 0.5
    host.run(graph, "apply")
    assert host.run(graph, "profile")[0] is before


@pytest.mark.parametrize(
    "unet", [{"family": SD20}, {"channel_mult": [1, 1]}], ids=["other family", "other sizes"]
)
def test_a_mask_for_another_architecture_is_refused_with_both_names(
    extension: Any, mask: Any, unet: dict[str, Any]
) -> None:
    other = tiny_denoiser(**unet)
    with pytest.raises(ValueError, match=r"^mask: that of church was made for") as error:
        apply(extension, other, mask, 1.0)
    identity = extension.module("nodes.host.model.identity").model_identity(other)
    assert mask.model.architecture in str(error.value)
    assert identity.architecture in str(error.value)


def test_a_mask_of_other_layers_under_the_same_name_is_refused_with_the_layer(
    extension: Any, mask: Any
) -> None:
    (first, _), *others = sorted(mask.layers.items())
    fewer = replace(mask, layers=dict(others))
    with pytest.raises(ValueError, match=f"they differ in {first}. Load the model"):
        apply(extension, tiny_denoiser(), fewer, 1.0)


def test_a_host_that_accepts_no_patch_is_told(
    extension: Any, mask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelPatcher, "add_patches", lambda self, patches, strength_patch: [])
    with pytest.raises(ValueError, match=r"^model: the host accepts no patch for diffusion_model"):
        apply(extension, tiny_denoiser(), mask, 1.0)


def test_a_mask_fits_the_same_architecture_with_other_weights(extension: Any, mask: Any) -> None:
    assert apply(extension, tiny_denoiser(seed=1), mask, 1.0).patches


def test_the_fingerprint_is_of_the_precision_that_the_host_chose(extension: Any) -> None:
    """A host with dynamic memory holds weights as they are in the file."""
    identity = extension.module("nodes.host.model.identity").model_identity
    as_in_file = tiny_denoiser()
    for layer in extension.module("nodes.host.model.layers").find_ffn2_layers(as_in_file).values():
        layer.weight_comfy_model_dtype = torch.bfloat16
    assert identity(as_in_file) == identity(tiny_denoiser(torch.bfloat16))
    assert identity(as_in_file) != identity(tiny_denoiser())


def test_the_fingerprint_does_not_depend_on_precision_device_or_patch_state(extension: Any) -> None:
    identity = extension.module("nodes.host.model.identity").model_identity
    half = tiny_denoiser(torch.float16)
    single = tiny_denoiser(torch.float16)
    single.model.diffusion_model.float()
    assert identity(half) == identity(single)

    patched = with_lora(tiny_denoiser())
    before = identity(patched)
    patched.patch_model()
    during = identity(patched)
    patched.unpatch_model()
    assert before == during != identity(tiny_denoiser())
    patched.load_device = torch.device("cuda")  # not there, nor asked for anything
    assert identity(patched) == before
    assert identity(tiny_denoiser(seed=1)) != identity(tiny_denoiser())
