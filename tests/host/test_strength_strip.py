"""Strength Strip in the real host: each row is what a run of its own draws."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import comfy.model_management
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from graphs import Graph, GraphError, Host, apply_node, node, picture_graph, sources
from masks_and_loras import with_lora
from tiny_model import TinyModel, tiny_denoiser

STRENGTHS = (0.0, 1.0, 2.0)
NEAR = 2e-4  # of latents around 100: float32's rounding, some steps long


def sampled(
    host: Host, tiny: TinyModel, mask: Any, *, base: Any = None, batch: int = 1, **changes: Any
) -> torch.Tensor:
    """The latents of a graph with Apply Neuron Mask, or with Strength Strip where it is given."""
    strip, strength = changes.pop("strip", None), changes.pop("strength", 0.0)
    host.forget()
    graph: Graph = {
        **sources(host, tiny, base),
        "mask": host.source(mask),
        "masked": apply_node(strength=strength),
        **picture_graph(["masked", 0]),
    }
    graph["latent"]["inputs"]["batch_size"] = batch
    if strip is not None:
        graph["masked"] = strip_node(strip)
        graph["sampler"]["inputs"]["latent_image"] = ["masked", 1]
    graph["sampler"]["inputs"] |= {"steps": 3, **changes}  # UniPC looks two steps back
    return host.run(graph, "sampler")[0]["samples"].clone()


def strip_node(strengths: str) -> dict[str, Any]:
    links = {name: [name, 0] for name in ("model", "mask", "latent")}
    return node("FIAStrengthStrip", **links, strengths=strengths)


def assert_rows_are_single_runs(
    host: Host, tiny: TinyModel, mask: Any, near: float = NEAR, **changes: Any
) -> None:
    batch = changes.get("batch", 1)
    rows = sampled(host, tiny, mask, strip="0, 1, 2", **changes).split(batch)
    singles = [sampled(host, tiny, mask, strength=s, **changes) for s in STRENGTHS]
    for row, single in zip(rows, singles, strict=True):
        assert (row - single).abs().max() <= near * single.abs().max()
    assert (singles[0] - singles[2]).abs().max() > 100 * near * singles[0].abs().max()


@pytest.mark.parametrize(
    "changes",
    [
        *({"sampler_name": sampler} for sampler in ("euler", "heun", "dpmpp_2m", "uni_pc", "lcm")),
        {"sampler_name": "euler_ancestral"},
        {"sampler_name": "dpmpp_2m_sde"},
        {"batch": 2},
        {"cfg": 1.0},  # the denoiser is not called on the negative prompt
    ],
    ids=str,
)
def test_rows_are_single_runs(
    host: Host, tiny: TinyModel, mask: Any, changes: dict[str, Any]
) -> None:
    assert_rows_are_single_runs(host, tiny, mask, **changes)


@pytest.mark.parametrize(
    ("dtype", "near"), [(torch.float16, 1e-2), (torch.bfloat16, 5e-2)], ids=["fp16", "bf16"]
)
def test_rows_are_single_runs_in_half_precision(
    host: Host, tiny: TinyModel, mask: Any, dtype: torch.dtype, near: float
) -> None:
    steps: Any = {"steps": 4}
    strip = sampled(host, tiny, mask, base=tiny_denoiser(dtype), strip="0, 1, 2", **steps)
    for row, strength in zip(strip, (0.0, 1.0, 2.0), strict=True):
        single = sampled(host, tiny, mask, base=tiny_denoiser(dtype), strength=strength, **steps)
        assert (row - single[0]).abs().max() <= near * single.abs().max()


def test_a_lora_before_it_is_masked_too(host: Host, tiny: TinyModel, mask: Any) -> None:
    assert_rows_are_single_runs(host, tiny, mask, base=with_lora(tiny_denoiser()))


def test_the_halves_of_a_guidance_step_may_come_apart(
    host: Host, tiny: TinyModel, mask: Any, little_memory: None
) -> None:
    assert_rows_are_single_runs(host, tiny, mask)


def test_weights_that_are_off_the_device(
    host: Host, tiny: TinyModel, mask: Any, small_gpu: None
) -> None:
    assert_rows_are_single_runs(host, tiny, mask, base=with_lora(tiny_denoiser()))


def test_nothing_is_left_on_the_model(host: Host, tiny: TinyModel, mask: Any) -> None:
    plain = sampled(host, tiny, mask)
    sampled(host, tiny, mask, strip="1")
    assert not list(hooks(tiny.model))
    assert torch.equal(sampled(host, tiny, mask), plain)


def hooks(model: ModelPatcher) -> Iterator[Any]:
    for module in model.model.modules():
        yield from module._forward_hooks.values()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (comfy.model_management.InterruptProcessingException, "execution_interrupted"),
        (torch.OutOfMemoryError, "execution_error"),
    ],
)
def test_a_fault_inside_the_denoiser_leaves_nothing(
    host: Host, tiny: TinyModel, mask: Any, fault: type[Exception], words: str
) -> None:
    base = tiny_denoiser()
    plain = sampled(host, tiny, mask, base=base)
    last = base.get_model_object("diffusion_model.out")

    def fail(*_: Any) -> None:
        assert list(hooks(base))
        raise fault

    handle = last.register_forward_pre_hook(fail)
    with pytest.raises(GraphError, match=words):
        sampled(host, tiny, mask, base=base, strip="0, 1")
    handle.remove()
    assert not list(hooks(base))
    assert torch.equal(sampled(host, tiny, mask, base=base), plain)


@pytest.mark.parametrize(
    ("strengths", "words"),
    [
        ("", "strengths: is empty"),
        (" , ,", "strengths: is empty"),
        ("0, x", "strengths: 'x' is no number from 0 to 2"),
        ("0 2.5", "strengths: '2.5' is no number from 0 to 2"),
        ("nan", "strengths: 'nan' is no number"),
        ("-1", "strengths: '-1' is no number"),
    ],
)
def test_strengths_that_are_none(
    host: Host, tiny: TinyModel, mask: Any, strengths: str, words: str
) -> None:
    with pytest.raises(GraphError, match=words):
        sampled(host, tiny, mask, strip=strengths)


def test_it_goes_as_far_as_the_slider(extension: Any) -> None:
    slider = extension.node("FIAApplyNeuronMask").GET_SCHEMA().inputs[-1]
    read = extension.module("nodes.strength_strip").read_strengths
    assert read(str(slider.max)) == [slider.max]
    with pytest.raises(ValueError, match="no number from 0 to 2"):
        read(str(slider.max + slider.step))


def test_a_mask_of_another_model(host: Host, tiny: TinyModel, mask: Any) -> None:
    with pytest.raises(GraphError, match="mask: that of church was made for"):
        sampled(host, tiny, mask, base=tiny_denoiser(channel_mult=[1, 1]), strip="0, 1")


@pytest.mark.parametrize("rows", [1, 3])
def test_a_batch_that_is_no_multiple_of_the_strengths(
    host: Host, tiny: TinyModel, mask: Any, rows: int
) -> None:
    own = {"samples": torch.zeros(rows, 4, 8, 8)}
    host.forget()
    with pytest.raises(GraphError, match=f"latent: {rows} in the batch .* among 2 strengths"):
        sampled_with(host, tiny, mask, own)


def sampled_with(host: Host, tiny: TinyModel, mask: Any, latent: Any, base: Any = None) -> Any:
    """A strip of two strengths whose sampler starts from another latent."""
    graph: Graph = {
        **sources(host, tiny, base),
        "mask": host.source(mask),
        "strip": strip_node("0, 1"),
        **picture_graph(["strip", 0]),
    }
    graph["latent"] = host.source(latent)
    return host.run(graph, "sampler")[0]["samples"].clone()


def test_another_batch_of_the_right_size_is_the_users_own(
    host: Host, tiny: TinyModel, mask: Any
) -> None:
    host.forget()
    rows = sampled_with(host, tiny, mask, {"samples": torch.zeros(2, 4, 8, 8)})
    assert (rows[0] - rows[1]).abs().max() > 1


def splitting(executor: Callable[..., torch.Tensor], x: torch.Tensor, *rest: Any) -> torch.Tensor:
    """Runs the denoiser on a part of the batch, as nodes for tiles do."""
    return executor(x[:1], *rest).expand_as(x)


def without_denoiser(executor: Any, x: torch.Tensor, *rest: Any, **kwargs: Any) -> torch.Tensor:
    return x


@pytest.mark.parametrize(
    ("wrapper", "words"),
    [
        (splitting, "model: the denoiser ran for 1 rows where the batch has 2"),
        (without_denoiser, "model: none of the changed layers was called"),
    ],
)
def test_nodes_that_it_cannot_work_with(
    host: Host, tiny: TinyModel, mask: Any, wrapper: Any, words: str
) -> None:
    changed = tiny_denoiser()
    changed.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "other", wrapper)
    with pytest.raises(GraphError, match=words):
        sampled(host, tiny, mask, base=changed, strip="0, 1", cfg=1.0)
    assert not list(hooks(changed))


def test_a_mask_of_nothing_changes_nothing(host: Host, tiny: TinyModel, mask: Any) -> None:
    layers = {name: torch.zeros_like(pruned) for name, pruned in mask.layers.items()}
    empty = replace(mask, layers=layers)
    rows = sampled(host, tiny, empty, strip="0, 1")
    assert torch.equal(rows[0], rows[1])


def test_masks_are_kept_at_one_bit_a_weight(extension: Any) -> None:
    kind = extension.module("nodes.host.applying.strength_strip")._PrunedLayer
    pruned = torch.ones(512, 256, dtype=torch.bool)
    held = [value for value in vars(kind(pruned)).values() if isinstance(value, torch.Tensor)]
    assert held and sum(tensor.nbytes for tensor in held) < pruned.numel() / 4


def test_the_strengths_are_given_on_for_labels(host: Host, tiny: TinyModel, mask: Any) -> None:
    latent = {"samples": torch.zeros(1, 4, 8, 8)}
    inputs = {"model": tiny.model, "mask": mask, "latent": latent, "strengths": "0\n.50  1.0; 2"}
    assert host.run_node("FIAStrengthStrip", 2, **inputs) == ["0, 0.5, 1, 2"]
