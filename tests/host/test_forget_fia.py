"""The benchmarks' own form of the shipped chain: settings of Table 8, profiles from the cache."""

from typing import Any

import pytest
import torch
from forgetting import after, prompts
from tiny_model import TinyModel


@pytest.fixture(scope="module")
def fia(extension: Any) -> Any:
    return extension.module("benchmarks.forget.fia")


def test_concepts_have_the_settings_of_table_8(extension: Any, fia: Any) -> None:
    for kind, preset in extension.module("fia_core").PRESETS.items():
        for concept, spatial in preset.spatial_by_concept.items():
            expected = (preset.temporal_by_concept.get(concept, 0.05), spatial)
            assert fia.sparsities(kind, concept) == fia.sparsities(kind, concept.upper())
            assert fia.sparsities(kind, concept) == expected
    assert fia.sparsities("object", "zebra") == (0.05, 0.01)


def test_concepts_of_one_setting_are_profiled_together_with_the_papers_contexts(
    extension: Any, fia: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []
    real = fia.profiles
    few = prompts(extension, contexts=())

    def spy(model: Any, clip: Any, request: Any, use_cache: bool) -> Any:
        asked.append((request.concepts, request.contexts))
        return real(model, clip, prompts(extension).request(request.concepts), use_cache)

    monkeypatch.setattr(fia, "profiles", spy)
    names = ("parachute", "golf ball", "church")
    mask = after(extension, "fia.fia_table8", tiny, *names, prompts=few, use_cache=False).mask
    every = extension.module("fia_core").default_contexts("object")
    assert [concepts for concepts, _ in asked] == [("parachute", "golf ball"), ("church",)]
    assert all(contexts == every for _, contexts in asked)
    spatial = {
        one["concepts"][0]: one["settings"]["spatial_sparsity"] for one in mask.provenance["masks"]
    }
    assert spatial == {name: fia.sparsities("object", name)[1] for name in names}
    assert mask.settings["agnostic_ratio"] == 0.6


def test_another_precision_takes_no_cached_profile(
    extension: Any, fia: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, bool]] = []
    real = fia.profiles

    def spy(model: Any, clip: Any, request: Any, use_cache: bool) -> Any:
        asked.append((model.get_model_object("manual_cast_dtype"), use_cache))
        return real(model, clip, request, False)

    monkeypatch.setattr(fia, "profiles", spy)
    given = {
        "profiling": prompts(extension, "Profiling"),
        "masking": extension.module("benchmarks.forget.settings").Masking(),
    }
    for dtype in ("", "bf16"):
        after(extension, "fia.fia", tiny, dtype=dtype, **given)
    assert [use_cache for _, use_cache in asked] == [True, False]
    assert asked[1][0] is torch.bfloat16
