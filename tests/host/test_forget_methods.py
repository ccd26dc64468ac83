"""Every peer that is a function, on the host's UNet and on its AuraFlow."""

from collections.abc import Callable
from typing import Any

import comfy.sample
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from tiny_families import FAMILIES
from tiny_model import TinyModel
from torch import Tensor

NAMES = ["church", "golf ball"]
WITH_KEPT = {"speed", "oce", "double_projections", "rece", "uce"}
VALUES_ONLY = {"speed", "oce"}
EDITS = [*sorted(WITH_KEPT), "scapre"]
METHODS = [*EDITS, "nag", "negpip"]
TITLES = {"double_projections": "Double Projections", "scapre": "ScaPre", "negpip": "NegPiP"}
HEARING = {"oce": {"preserve_scale": 5.0}, "double_projections": {"least": 0.001}}
"""What it takes to hear of kept names: OCE weighs them with 0 by its authors' default, and the
names of a random text encoder are much alike."""


@pytest.fixture(scope="module")
def method(extension: Any) -> Callable[[str], Any]:
    def find(name: str) -> Any:
        return getattr(extension.module(f"benchmarks.forget.{name}"), name)

    return find


@pytest.fixture(scope="module")
def aura() -> tuple[ModelPatcher, CLIP]:
    family = FAMILIES["AuraFlow"]
    return family.denoiser(), family.clip()


@pytest.fixture(scope="module")
def flux() -> tuple[ModelPatcher, CLIP]:
    family = FAMILIES["Flux"]
    return family.denoiser(), family.clip()


def encode(clip: CLIP, text: str) -> Any:
    return clip.encode_from_tokens(clip.tokenize(text))


def draw(model: ModelPatcher, clip: CLIP, cfg: float = 4.0, text: str = "a church") -> Tensor:
    """The latent of two steps."""
    channels = model.model.latent_format.latent_channels
    empty = torch.zeros(1, channels, 8, 8)
    return comfy.sample.sample(
        model,
        comfy.sample.prepare_noise(empty, 1),
        2,
        cfg,
        "euler",
        "normal",
        [[encode(clip, text), {}]],
        [[encode(clip, ""), {}]],
        empty,
        disable_pbar=True,
    )


def changed_weights(model: ModelPatcher) -> set[str]:
    return {name.removeprefix("diffusion_model.") for name in model.patches}


@pytest.mark.parametrize("name", METHODS)
def test_a_unet_draws_otherwise_and_stays_as_it_was(
    method: Any, tiny: TinyModel, name: str
) -> None:
    before = draw(tiny.model, tiny.clip)
    erased = method(name)(tiny.model, tiny.clip, NAMES)
    after = draw(erased.model, erased.clip)
    assert after.isfinite().all() and not torch.allclose(after, before, atol=1e-4)
    assert torch.equal(draw(tiny.model, tiny.clip), before)


@pytest.mark.parametrize("name", METHODS)
def test_a_unet_that_computes_in_bfloat16_draws_too(
    method: Any, extension: Any, tiny: TinyModel, name: str
) -> None:
    computing_in = extension.module("benchmarks.forget.fia").computing_in
    erased = method(name)(tiny.model, tiny.clip, NAMES)
    exact = draw(erased.model, erased.clip)
    rounded = draw(computing_in(erased.model, "bf16"), erased.clip)
    assert not torch.equal(rounded, exact)
    assert (rounded - exact).norm() < 0.1 * exact.norm()


@pytest.mark.parametrize("name", METHODS)
def test_auraflow_draws_otherwise_and_stays_as_it_was(
    method: Any, aura: tuple[ModelPatcher, CLIP], name: str
) -> None:
    before = draw(*aura)
    erased = method(name)(*aura, NAMES)
    after = draw(erased.model, erased.clip)
    assert after.isfinite().all() and not torch.allclose(after, before, atol=1e-4)
    assert torch.equal(draw(*aura), before)
    assert changed_weights(erased.model) == ({"cond_seq_linear.weight"} if name in EDITS else set())


@pytest.mark.parametrize("name", EDITS)
def test_what_reads_the_text_is_edited_and_nothing_else(
    method: Any, tiny: TinyModel, name: str
) -> None:
    weights = changed_weights(method(name)(tiny.model, tiny.clip, NAMES).model)
    ends = {weight.split(".attn2.")[1] for weight in weights}
    values, both = {"to_v.weight"}, {"to_k.weight", "to_v.weight"}
    assert ends == (values if name in VALUES_ONLY else both)
    assert len(weights) == 7 * len(ends)


@pytest.mark.parametrize("name", METHODS)
def test_sdxl_is_changed_too(method: Any, tiny_sdxl: TinyModel, name: str) -> None:
    erased = method(name)(tiny_sdxl.model, tiny_sdxl.clip, NAMES)
    options = erased.model.model_options["transformer_options"]
    assert erased.model.patches or options.get("patches") or options.get("patches_replace")


@pytest.mark.parametrize("name", sorted(WITH_KEPT))
def test_kept_names_are_heard(method: Any, tiny: TinyModel, name: str) -> None:
    told = method(name)(
        tiny.model, tiny.clip, NAMES, kept=["cat", "red car"], **HEARING.get(name, {})
    )
    untold = method(name)(tiny.model, tiny.clip, NAMES)
    weight = next(iter(told.model.patches))
    one, other = (erased.model.patches[weight][0][1][1][0] for erased in (told, untold))
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("name", METHODS)
def test_a_model_that_it_means_nothing_to_is_refused(
    method: Any, flux: tuple[ModelPatcher, CLIP], name: str
) -> None:
    with pytest.raises(ValueError, match=f"^model: {TITLES.get(name, name.upper())} "):
        method(name)(*flux, NAMES)


@pytest.mark.parametrize("name", EDITS)
def test_another_models_text_encoder_is_refused(
    method: Any, tiny: TinyModel, tiny_sdxl: TinyModel, name: str
) -> None:
    with pytest.raises(ValueError, match="clip: its tokens are 64 wide"):
        method(name)(tiny.model, tiny_sdxl.clip, NAMES)


@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_nag_steers_the_positive_rows_alone(
    extension: Any, method: Any, tiny: TinyModel, cfg: float
) -> None:
    erased = method("nag")(tiny.model, tiny.clip, NAMES)
    steered, plain = (draw(model, tiny.clip, cfg) for model in (erased.model, tiny.model))
    assert not torch.allclose(steered, plain, rtol=1e-3)
    guidance = extension.module("benchmarks.forget.nag").Guidance(torch.zeros(1), 5, 2.5, 0.25, 4.0)
    options = {"cond_or_uncond": [1, 0], "sigmas": torch.tensor([5.0])}
    assert guidance.rows(options, 6).tolist() == [3, 4, 5]
    assert not len(guidance.rows({**options, "sigmas": torch.tensor([3.0])}, 6))


@pytest.mark.parametrize("host_model", ["tiny", "aura"])
def test_nag_away_from_the_prompt_itself_changes_nothing(
    method: Any, tiny: TinyModel, aura: tuple[ModelPatcher, CLIP], host_model: str
) -> None:
    """Z⁻ = Z⁺ gives Z̃ = Z⁺: so the rows, the layers and the text's place are the right ones."""
    model, clip = (tiny.model, tiny.clip) if host_model == "tiny" else aura
    erased = method("nag")(model, clip, ["a church"])
    assert torch.allclose(draw(erased.model, clip), draw(model, clip), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("host_model", ["tiny", "aura"])
def test_negpip_with_nothing_turned_is_the_plain_model(
    method: Any, tiny: TinyModel, aura: tuple[ModelPatcher, CLIP], host_model: str
) -> None:
    """Both prompts without an ending: keys and values come apart and together again."""
    model, clip = (tiny.model, tiny.clip) if host_model == "tiny" else aura
    erased = method("negpip")(model, clip, NAMES)
    turned, plain = draw(erased.model, erased.clip, text=""), draw(model, clip, text="")
    assert torch.allclose(turned, plain, rtol=1e-4, atol=1e-3)


def test_double_projections_refuses_what_it_cannot_do(method: Any, tiny: TinyModel) -> None:
    with pytest.raises(ValueError, match="anchors: Double Projections needs a word"):
        method("double_projections")(tiny.model, tiny.clip, NAMES, anchors=[" "])
    many = [f"{a} {b}" for a in ("red", "old", "tiny", "wet") for b in ("cat", "dog", "owl", "cow")]
    with pytest.raises(ValueError, match="kept: leaves"):
        method("double_projections")(tiny.model, tiny.clip, NAMES, kept=many)


def test_speed_refuses_a_threshold_that_frees_nothing(method: Any, tiny: TinyModel) -> None:
    with pytest.raises(ValueError, match="leave SPEED nothing to edit"):
        method("speed")(tiny.model, tiny.clip, NAMES, threshold=1e-30)
