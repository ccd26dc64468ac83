"""The peers on the host's UNet, and the edits on its AuraFlow: what changes."""

from collections.abc import Callable
from typing import Any

import comfy.sample
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from forgetting import after, prompts
from tiny_families import FAMILIES
from tiny_model import TinyModel
from torch import Tensor

NAMES = ["church", "golf ball"]
WITH_KEPT = ["double_projections", "speed", "uce"]
EDITS = [*WITH_KEPT, "scapre"]
HEARING = {"double_projections": {"least": 0.001}}  # a random encoder's names are much alike


@pytest.fixture(scope="module")
def method(extension: Any) -> Callable[[str], Any]:
    def find(name: str) -> Any:
        return getattr(extension.module(f"benchmarks.forget.{name}"), name)

    return find


@pytest.fixture(scope="module")
def aura() -> tuple[ModelPatcher, CLIP]:
    return FAMILIES["AuraFlow"].denoiser(), FAMILIES["AuraFlow"].clip()


def encode(clip: CLIP, text: str) -> Any:
    return clip.encode_from_tokens(clip.tokenize(text))


def draw(model: ModelPatcher, clip: CLIP, cfg: float = 4.0) -> Tensor:
    """The latent of two steps."""
    empty = torch.zeros(1, model.model.latent_format.latent_channels, 8, 8)
    asked, nothing = ([[encode(clip, text), {}]] for text in ("a church", ""))
    given = (2, cfg, "euler", "normal", asked, nothing, empty)
    noise = comfy.sample.prepare_noise(empty, 1)
    return comfy.sample.sample(model, noise, *given, disable_pbar=True)


def changed_weights(model: ModelPatcher) -> set[str]:
    return {name.removeprefix("diffusion_model.") for name in model.patches}


@pytest.mark.parametrize("name", EDITS)
def test_what_reads_the_text_is_edited_and_nothing_else(
    method: Any, tiny: TinyModel, aura: tuple[ModelPatcher, CLIP], name: str
) -> None:
    weights = changed_weights(method(name)(tiny.model, tiny.clip, NAMES).model)
    ends = {weight.split(".attn2.")[1] for weight in weights}
    assert ends == {"to_v.weight", *(["to_k.weight"] if name != "speed" else [])}
    assert len(weights) == 7 * len(ends)
    assert changed_weights(method(name)(*aura, NAMES).model) == {"cond_seq_linear.weight"}


@pytest.mark.parametrize("name", WITH_KEPT)
def test_kept_names_are_heard(method: Any, tiny: TinyModel, name: str) -> None:
    kept = {"kept": ["cat", "red car"], **HEARING.get(name, {})}
    told = method(name)(tiny.model, tiny.clip, NAMES, **kept)
    untold = method(name)(tiny.model, tiny.clip, NAMES)
    weight = next(iter(told.model.patches))
    one, other = (erased.model.patches[weight][0][1][1][0] for erased in (told, untold))
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_nag_steers_the_positive_rows_alone(
    extension: Any, method: Any, tiny: TinyModel, cfg: float
) -> None:
    erased = method("nag")(tiny.model, tiny.clip, NAMES)
    plain = draw(tiny.model, tiny.clip, cfg)
    assert not torch.allclose(draw(erased.model, tiny.clip, cfg), plain, rtol=1e-3)
    same = method("nag")(tiny.model, tiny.clip, ["a church"])  # Z⁻ = Z⁺ gives Z̃ = Z⁺
    assert torch.allclose(draw(same.model, tiny.clip, cfg), plain, rtol=1e-4, atol=1e-3)
    rows = extension.module("benchmarks.forget.nag").positive_rows
    assert rows([1, 0], 6).tolist() == [3, 4, 5] and not len(rows([1], 6))


def test_concept_prune_unites_concepts_and_lets_the_model_go(
    extension: Any, tiny: TinyModel
) -> None:
    few = {"prompts": prompts(extension, batch_size=0), "sparsity": 2.0}
    church, cat, both = (
        after(extension, "concept_prune.concept_prune", tiny, *names, **few).mask
        for names in (("church",), ("cat",), ("church", "cat"))
    )
    assert church.count > 0 and both.concepts == ("church", "cat")
    for name, pruned in both.layers.items():
        assert torch.equal(pruned, church.layers[name] | cat.layers[name])
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(tiny.model)
    assert not any(layer._forward_hooks for layer in layers.values())


def test_concepts_of_one_setting_of_table_8_are_profiled_together_with_all_contexts(
    extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fia, core = (extension.module(name) for name in ("benchmarks.forget.fia", "fia_core"))
    real, asked = fia.profiles, list[tuple[Any, ...]]()

    def spy(model: Any, clip: Any, request: Any, use_cache: bool) -> Any:
        asked.append((request.concepts, request.contexts == core.default_contexts("object")))
        return real(model, clip, prompts(extension).request(request.concepts), use_cache)

    monkeypatch.setattr(fia, "profiles", spy)
    names, few = ("parachute", "golf ball", "church"), prompts(extension, contexts=())
    mask = after(extension, "fia.fia_table8", tiny, *names, prompts=few, use_cache=False).mask
    assert asked == [(("parachute", "golf ball"), True), (("church",), True)]
    table, made = core.PRESETS["object"].spatial_by_concept, mask.provenance["masks"]
    found = {one["concepts"][0]: one["settings"]["spatial_sparsity"] for one in made}
    assert found == {name: table[name] for name in names}
    assert fia.sparsities("object", "CHURCH") == fia.sparsities("object", "church")
    assert fia.sparsities("object", "zebra") == (0.05, 0.01)
