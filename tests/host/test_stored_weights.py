"""What a model is, whatever the host has put into its modules for the time being."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from tiny_model import tiny_denoiser

WEIGHT = "diffusion_model.middle_block.1.transformer_blocks.0.ff.net.2.weight"


@pytest.fixture(params=["backup", "hook_backup"])
def patched(request: pytest.FixtureRequest) -> ModelPatcher:
    """A model with another weight in place, and its own where the host keeps it meanwhile."""
    model = tiny_denoiser()
    layer: Any = model.model.get_submodule(WEIGHT.removesuffix(".weight"))
    kept = {
        "backup": SimpleNamespace(weight=layer.weight, inplace_update=False),
        "hook_backup": (layer.weight, layer.weight.device),
    }
    getattr(model, request.param)[WEIGHT] = kept[request.param]
    layer.weight = torch.nn.Parameter(layer.weight + 1, requires_grad=False)
    return model


def fingerprint(extension: Any, model: ModelPatcher) -> str:
    """Of all that the cache goes by."""
    module = extension.module("nodes.host.profiling.fingerprint")
    taken = module.Fingerprint()
    module.add_weights(taken, model)
    return taken.text()


def test_weights_that_the_host_keeps_aside_count(extension: Any, patched: ModelPatcher) -> None:
    identity = extension.module("nodes.host.model.identity").model_identity
    assert identity(patched) == identity(tiny_denoiser())
    assert fingerprint(extension, patched) == fingerprint(extension, tiny_denoiser())


def with_buffer(value: float, persistent: bool) -> ModelPatcher:
    model = tiny_denoiser()
    buffer = torch.full((4,), value)
    model.model.diffusion_model.register_buffer("places", buffer, persistent=persistent)
    return model


def test_buffers_count_where_files_have_them(extension: Any) -> None:
    """Others are made as the model is, some of them of memory as it happened to be."""

    def of(*buffer: Any) -> str:
        return fingerprint(extension, with_buffer(*buffer))

    assert of(1.0, True) != of(2.0, True)
    assert of(1.0, False) == of(2.0, False)


def test_buffers_that_the_host_has_moved_count_as_they_were(extension: Any) -> None:
    model: Any = with_buffer(1.0, True)
    before = fingerprint(extension, model)
    kept = {"diffusion_model.places": model.model.diffusion_model.places}
    model.model.diffusion_model.places = kept["diffusion_model.places"].half()
    if not hasattr(model, "backup_buffers"):
        pytest.skip("this host moves no buffers by themselves")
    model.backup_buffers = kept
    assert fingerprint(extension, model) == before


def test_what_makes_up_a_tensor_of_parts_counts(extension: Any) -> None:
    """As a quantised one says it: the same numbers may stand for other weights."""

    def of(**layout: Any) -> str:
        tensor = SimpleNamespace(
            numbers=torch.ones(4),
            __tensor_flatten__=lambda: (["numbers"], {"kind": "int8", "fields": layout}),
        )
        taken = extension.module("nodes.host.profiling.fingerprint").Fingerprint()
        taken.sample(tensor)
        return taken.text()

    assert of(rotated=False) != of(rotated=True)
    assert of(orig_dtype=torch.float16) == of(orig_dtype=torch.float32)
