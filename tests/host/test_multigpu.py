"""A model that shares its work with a copy on another card, as the host's MultiGPU CFG Split."""

import gc
from typing import Any

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comparison import assert_same_except_at_ties
from graphs import picture_graph, profile_graph, profiled
from tiny_model import TinyModel, tiny_denoiser

OTHER_CARD = torch.device("cpu", 0)  # another device to the host, and usable here


class Copy:
    """The other card's copy, and how often it has run."""

    def __init__(self) -> None:
        self.model = tiny_denoiser()
        self.model.load_device = OTHER_CARD
        self.calls = 0
        self.model.model.diffusion_model.register_forward_pre_hook(self.count)

    def count(self, module: Any, arguments: Any) -> None:
        self.calls += 1


@pytest.fixture
def copy(extension: Any) -> Copy:
    return Copy()


@pytest.fixture
def split(tiny: TinyModel, copy: Copy) -> ModelPatcher:
    """As the host's node gives it."""
    model = tiny.model.clone()
    base = getattr(model, "clone_base_uuid", None)
    vars(copy.model).update(is_multigpu_base_clone=True, clone_base_uuid=base)
    model.set_additional_models("multigpu", [copy.model])
    speeds = {device: {"relative_speed": 1.0} for device in (model.load_device, OTHER_CARD)}
    model.model_options["multigpu_options"] = speeds
    return model


@pytest.mark.skipif(
    not hasattr(ModelPatcher, "match_multigpu_clones"), reason="this host has no MultiGPU CFG Split"
)
def test_the_copy_shares_pictures_and_not_profiles(
    host: Any, tiny: TinyModel, split: ModelPatcher, copy: Copy
) -> None:
    host.forget()
    plain = profile_graph(host, tiny.model, tiny.clip)
    (profile,), (mask,) = host.run(plain, "profile"), host.run(plain, "mask")
    graph = profile_graph(host, split, tiny.clip)
    drawing = {**graph, "vae": host.source(tiny.vae), **picture_graph(["model", 0])}
    host.run(drawing, "picture")
    assert copy.calls > 0

    copy.calls = 0
    (shared,) = host.run(graph, "mask")
    assert copy.calls == 0
    assert_same_except_at_ties(mask, shared, profile)


def test_the_copy_stays_with_its_model_and_keeps_its_pins(
    host: Any,
    tiny: TinyModel,
    split: ModelPatcher,
    copy: Copy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pinned = {"diffusion_model.out.2.weight"}
    copy.model.pinned |= pinned
    unpinned: list[str] = []

    def unpin(self: ModelPatcher, key: str) -> None:
        if key in self.pinned:
            unpinned.append(key)

    monkeypatch.setattr(ModelPatcher, "unpin_weight", unpin)
    options = dict(split.model_options)
    profiled(host, split, tiny.clip, profile_steps=1)
    host.forget()
    gc.collect()
    assert not unpinned
    assert copy.model.pinned == pinned
    assert split.get_additional_models_with_key("multigpu") == [copy.model]
    assert split.model_options == options
    copy.model.pinned.clear()


def test_a_split_model_is_cached_as_the_model_it_is(
    host: Any,
    extension: Any,
    tiny: TinyModel,
    split: ModelPatcher,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = extension.module("nodes.host.profiling.cache").ProfileCache(tmp_path)
    monkeypatch.setattr(extension.module("nodes.profile_concept"), "host_cache", lambda: cache)
    for model in (split, tiny.model):
        profiled(host, model, tiny.clip, profile_steps=1, use_cache=True)
        assert len(list(tmp_path.iterdir())) == 1
