"""Where the state of profiling lives, how much of it there is, and what happens without room."""

import math
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from comfy import model_management
from comfy.model_management import OOM_EXCEPTION
from comparison import assert_same_except_at_ties
from graphs import GraphError, profile_graph
from tiny_model import TinyModel, tiny_denoiser

CONCEPTS = "church\ngolf ball\ncat"
CPU = torch.device("cpu")


@pytest.fixture
def shapes(extension: Any, tiny: TinyModel) -> Any:
    layers = extension.module("nodes.host.layers")
    return layers.layer_shapes(layers.find_ffn2_layers(tiny.model))


def sampling(extension: Any) -> Any:
    settings = extension.module("nodes.host.denoise").SamplingSettings
    return settings(7, 10, 3, 4.0, "euler", "normal", 64, 64)


def plan(extension: Any, tiny: TinyModel, shapes: Any, concepts: int) -> Any:
    state_plan = extension.module("nodes.host.state_plan")
    return state_plan.plan_state(tiny.model, shapes, concepts, sampling(extension))


def set_free(extension: Any, monkeypatch: pytest.MonkeyPatch, free: float) -> None:
    """Let the plan believe that so many bytes are free, on the device as beside the CPU."""
    monkeypatch.setattr(
        extension.module("nodes.host.state_plan"), "get_free_memory", lambda device: free
    )


def test_with_room_ten_concepts_share_a_round(extension: Any, tiny: TinyModel, shapes: Any) -> None:
    assert plan(extension, tiny, shapes, 3).concepts == 3
    roomy = plan(extension, tiny, shapes, 25)
    assert roomy.concepts == 10
    assert roomy.moments == dict.fromkeys(shapes, CPU) and roomy.sums == CPU


def test_without_room_a_round_shrinks_to_what_fits(
    extension: Any, tiny: TinyModel, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = extension.module("nodes.host.state_plan")
    weights = sum(math.prod(shape) for shape in shapes.values())
    for fitting, expected in ((4.5, 4), (0.2, 1)):
        free = fitting * module.SUM_BYTES * weights / module.SHARE_OF_RAM
        set_free(extension, monkeypatch, free)
        assert plan(extension, tiny, shapes, 25).concepts == expected


def test_the_layers_that_fit_stay_on_the_device(
    extension: Any, tiny: TinyModel, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = extension.module("nodes.host.state_plan")
    gpu = torch.device("cuda", 0)
    first, *others = shapes
    room = module.MOMENT_BYTES * math.prod(shapes[first])
    monkeypatch.setattr(module, "_free_beside", lambda *_: room)
    monkeypatch.setattr(module, "get_total_memory", lambda device: room)
    monkeypatch.setattr(tiny.model, "load_device", gpu)
    spilled = plan(extension, tiny, shapes, 2)
    assert spilled.moments == {first: gpu, **dict.fromkeys(others, CPU)}
    assert spilled.sums == CPU


def test_other_models_leave_for_the_state_and_this_one_stays(
    extension: Any, tiny: TinyModel, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = extension.module("nodes.host.state_plan")
    own = SimpleNamespace(model=tiny.model.clone())
    other = SimpleNamespace(model=tiny_denoiser())
    asked: list[tuple[float, list[Any]]] = []

    def free_memory(wanted: float, device: torch.device, keep_loaded: list[Any]) -> None:
        asked.append((wanted, keep_loaded))

    monkeypatch.setattr(module, "current_loaded_models", [other, own])
    monkeypatch.setattr(module, "free_memory", free_memory)
    weights = sum(math.prod(shape) for shape in shapes.values())
    whole_state = (module.MOMENT_BYTES + 2 * module.SUM_BYTES) * weights
    call = module.denoiser_memory(tiny.model, sampling(extension))
    enough = tiny.model.model_size() + whole_state + call
    for total in (enough, enough - 1):
        monkeypatch.setattr(module, "get_total_memory", lambda device, total=total: total)
        plan(extension, tiny, shapes, 2)
    (whole, kept), (part, also_kept) = asked
    assert kept == also_kept == [own]
    assert whole - part == module.SUM_BYTES * 2 * weights  # what cannot fit drives nobody out


def test_the_largest_chunk_that_fits_is_chosen(
    extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = extension.module("nodes.host.denoise")
    settings = sampling(extension)
    loading = tiny.model.model_size() - tiny.model.loaded_size()
    for prompts, expected in ((1000, 16), (16, 16), (15, 8), (2, 2), (1, 1)):
        free = loading + module.denoiser_memory(tiny.model, settings, prompts) + 100
        monkeypatch.setattr(module, "get_free_memory", lambda device, free=free: free)
        assert module.automatic_chunk(tiny.model, settings) == expected
        assert module.automatic_chunk(tiny.model, settings, reserved=10**12) == 1


@pytest.mark.parametrize("concepts", [1, 4])
def test_the_state_takes_what_the_plan_reckons_with(
    extension: Any, tiny: TinyModel, shapes: Any, concepts: int
) -> None:
    module = extension.module("nodes.host.state_plan")
    statistics = extension.module("nodes.host.step_statistics").StepStatistics(
        shapes, concepts, 4, 0.05, "exact", plan(extension, tiny, shapes, concepts)
    )
    weights = sum(math.prod(shape) for shape in shapes.values())
    planned = (module.MOMENT_BYTES + module.SUM_BYTES * concepts) * weights
    for prompt in range(5):
        for name, (channels, inputs) in shapes.items():
            weight, x = torch.ones(channels, inputs), torch.ones(1, 3, inputs)
            statistics.add(name, range(prompt, prompt + 1), weight, x, x @ weight.T)
        if prompt in (1, 4):  # amid the base prompts, and amid the first concept's
            assert tensor_bytes(statistics) == planned


def tensor_bytes(holder: Any) -> int:
    """Of all tensors that an object holds, however deep."""
    if isinstance(holder, torch.Tensor):
        return holder.nbytes
    if isinstance(holder, dict):
        return sum(map(tensor_bytes, holder.values()))
    if isinstance(holder, list):
        return sum(map(tensor_bytes, holder))
    return tensor_bytes(vars(holder)) if hasattr(holder, "__dict__") else 0


def test_little_memory_changes_no_profile(
    host: Any, tiny: TinyModel, request: pytest.FixtureRequest
) -> None:
    graph = profile_graph(host, tiny.model, tiny.clip, concepts=CONCEPTS)
    host.forget()
    profiles, masks = host.run(graph, "profile"), host.run(graph, "mask")
    request.getfixturevalue("little_memory")
    host.forget()
    for one, other, profile in zip(masks, host.run(graph, "mask"), profiles, strict=True):
        assert one.concepts == other.concepts
        assert_same_except_at_ties(one, other, profile)


def crowded(model: Any, most: int) -> tuple[Any, list[int]]:
    """A clone on a device that has no room for more than some rows, and the rows of each call."""
    rows: list[int] = []

    def run(apply_model: Callable[..., Any], call: Any) -> torch.Tensor:
        rows.append(len(call["input"]))
        assert len(rows) < 100, "tried again without end"
        if rows[-1] > most:
            raise OOM_EXCEPTION("CUDA out of memory")
        return apply_model(call["input"], call["timestep"], **call["c"])

    clone = model.clone()
    clone.set_model_unet_function_wrapper(run)
    return clone, rows


@pytest.mark.parametrize(("batch_size", "calls"), [(14, {12, 4}), (7, {4}), (3, {3, 1})])
def test_a_call_is_for_whole_groups_where_one_fits(
    host: Any, tiny: TinyModel, batch_size: int, calls: set[int]
) -> None:
    """Four groups of four prompts."""
    model, rows = crowded(tiny.model, most=100)
    host.forget()
    graph = profile_graph(host, model, tiny.clip, concepts=CONCEPTS, batch_size=batch_size)
    host.run(graph, "profile")
    assert {row // 2 for row in rows} == calls


def test_out_of_memory_halves_the_prompts_of_a_call(host: Any, tiny: TinyModel) -> None:
    host.forget()
    plain = profile_graph(host, tiny.model, tiny.clip, batch_size=8)
    (profile,), (mask,) = host.run(plain, "profile"), host.run(plain, "mask")
    model, rows = crowded(tiny.model, most=4)  # two prompts with guidance
    (halved,) = host.run(profile_graph(host, model, tiny.clip, batch_size=8), "mask")
    assert rows[:3] == [16, 8, 4] and set(rows[2:]) == {4}
    assert_same_except_at_ties(mask, halved, profile)


def test_the_device_is_emptied_before_it_is_tried_again(
    host: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not while the error is at hand: it holds the tensors of the call that failed."""
    errors: list[Any] = []
    empty = model_management.soft_empty_cache

    def note(*arguments: Any) -> None:
        if "profile_round" in sys._getframe(1).f_code.co_filename:
            errors.append(sys.exc_info()[1])
        empty(*arguments)

    monkeypatch.setattr(model_management, "soft_empty_cache", note)
    model, _ = crowded(tiny.model, most=2)
    host.forget()
    host.run(profile_graph(host, model, tiny.clip, batch_size=4, profile_steps=1), "profile")
    assert errors == [None, None]


def test_out_of_memory_with_one_prompt_is_the_hosts_error(host: Any, tiny: TinyModel) -> None:
    host.forget()
    model, rows = crowded(tiny.model, most=0)
    with pytest.raises(GraphError, match="out of memory"):
        host.run(profile_graph(host, model, tiny.clip, batch_size=4), "profile")
    assert rows == [8, 4, 2]
