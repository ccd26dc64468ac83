"""Where the state of profiling lives, how much of it there is, and what happens without room."""

import math
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from comfy import model_management
from comfy.model_management import OOM_EXCEPTION, VRAMState
from comfy.model_patcher import ModelPatcher
from comfy.utils import get_attr
from comparison import assert_same_except_at_ties
from graphs import GraphError, profile_graph, watched
from masks_and_loras import with_lora
from tiny_model import TinyModel, tiny_denoiser

CONCEPTS = "church\ngolf ball\ncat"
CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
LATENT = torch.Size((1, 4, 8, 8))


class Planner:
    """Plans the state of profiling the tiny model; sizes are in bytes."""

    def __init__(self, extension: Any, tiny: TinyModel) -> None:
        layers = extension.module("nodes.host.model.layers")
        self.module = extension.module("nodes.host.profiling.state_plan")
        self.memory = extension.module("nodes.host.denoising.memory")
        self.model = tiny.model
        self.shapes = layers.layer_shapes(layers.find_ffn2_layers(tiny.model))
        self.weights = sum(math.prod(shape) for shape in self.shapes.values())
        settings = extension.module("nodes.host.denoising.request").SamplingSettings
        self.sampling = settings(7, 10, 3, 4.0, "euler", "normal", 64, 64)
        self.moments = self.module.MOMENT_BYTES * self.weights
        self.sums = self.module.SUM_BYTES * self.weights
        self.profile = self.module.PROFILE_BYTES * self.weights
        self.scratch = self.module.SCRATCH_BYTES

    def __call__(self, concepts: int, **options: Any) -> Any:
        return self.module.plan_state(self.model, self.shapes, concepts, self.sampling, **options)

    def refuses(self) -> bool:
        """For too little memory beside the device."""
        try:
            self(1)
        except ValueError:
            return True
        return False

    def least_call(self, prompts: int) -> float:
        return self.memory.least_call_memory(self.model, LATENT, prompts)

    def call(self, prompts: int) -> float:
        return self.memory.call_memory(self.model, LATENT, prompts)


@pytest.fixture
def plan(extension: Any, tiny: TinyModel) -> Planner:
    return Planner(extension, tiny)


def set_free(monkeypatch: pytest.MonkeyPatch, device: float, ram: float = 10**12) -> None:
    """Let the host believe that this many bytes are free on a graphics card, and beside the CPU."""

    def free(dev: Any, torch_free_too: bool = False) -> Any:
        here = ram if dev == CPU else device
        return (here, here) if torch_free_too else here

    monkeypatch.setattr(model_management, "get_free_memory", free)
    monkeypatch.setattr(model_management, "get_total_memory", lambda device: 10**15)
    monkeypatch.setattr(model_management, "free_memory", lambda *arguments, **options: [])
    monkeypatch.setattr(model_management, "vram_state", VRAMState.NORMAL_VRAM)
    for least in ("minimum_inference_memory", "extra_reserved_memory"):  # more than a tiny model
        monkeypatch.setattr(model_management, least, lambda: 0)


@pytest.fixture
def on_gpu(tiny: TinyModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model be one for a graphics card, not loaded yet."""
    monkeypatch.setattr(tiny.model, "load_device", GPU)
    monkeypatch.setattr(tiny.model.model, "model_loaded_weight_memory", 0)


def test_with_room_ten_concepts_share_a_round(plan: Planner) -> None:
    assert plan(3).concepts == 3
    roomy = plan(25)
    assert roomy.concepts == 10
    assert roomy.moments == dict.fromkeys(plan.shapes, CPU) and roomy.sums == CPU


def test_without_room_a_round_shrinks_to_what_fits(
    plan: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fitting, expected in ((4.5, 4), (0.2, 1)):
        state = plan.moments + fitting * plan.sums
        set_free(monkeypatch, 0, ram=state / plan.module.SHARE_OF_RAM)
        assert plan(25).concepts == expected


def test_a_model_of_which_no_concept_fits_is_refused_before_the_first_step(
    host: Any, tiny: TinyModel, plan: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan.memory, "GIB", 1000)
    needed = plan.moments + plan.sums + plan.profile
    model, rows = crowded(tiny.model, most=100)
    set_free(monkeypatch, 0, ram=needed - 1000)
    host.forget()
    with pytest.raises(GraphError, match="model: ") as refusal:
        host.run(profile_graph(host, model, tiny.clip), "profile")
    sizes = f"takes {needed / 1000:.1f} GiB of memory .* {needed / 1000 - 1:.1f} GiB are free"
    assert re.search(sizes, str(refusal.value))
    assert not rows
    set_free(monkeypatch, 0, ram=needed)
    assert plan(3).concepts == 1


def test_what_is_on_the_card_or_moves_there_needs_no_ram(
    plan: Planner, on_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = plan.sums + plan.profile
    set_free(monkeypatch, 0)
    moments = math.ceil(plan.least_call(4)) + plan.scratch + plan.moments
    arriving = needed // 4
    for device, ram in ((moments, needed), (moments + arriving, needed - arriving)):
        for missing in (0, 1):
            set_free(monkeypatch, device, ram - missing)
            assert plan.refuses() == bool(missing)
    set_free(monkeypatch, 10**12, ram=0)
    assert not plan.refuses(), "all of it is on the card"

    set_free(monkeypatch, 0, ram=needed - arriving)
    monkeypatch.setattr(plan.model, "is_dynamic", lambda: True, raising=False)
    room = moments + arriving
    monkeypatch.setattr(plan.model, "get_free_memory", lambda device: room, raising=False)
    assert plan.refuses(), "pages of the file count as free already"


def test_no_weights_arrive_where_they_are_at_home(extension: Any) -> None:
    memory = extension.module("nodes.host.denoising.memory")
    assert memory.arriving_weights(tiny_denoiser(), 10**12) == 0


def test_of_patched_weights_a_copy_stays(
    extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ModelPatcher, "loaded_size", lambda model: 0)  # whatever ran before
    memory = extension.module("nodes.host.denoising.memory")
    plain, patched = tiny.model.clone(), with_lora(tiny.model)
    for model in (plain, patched):
        model.offload_device = torch.device("meta")  # another than it draws on
    (key,) = patched.patches
    copy = get_attr(patched.model, key).nbytes
    leaving, fewer = (memory.arriving_weights(model, 10**12) for model in (plain, patched))
    assert leaving - fewer == copy > 0


def test_the_released_form_has_hardly_any_moments(
    host: Any, tiny: TinyModel, plan: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = sum(inputs for _, inputs in plan.shapes.values())
    needed = plan.sums + plan.profile + plan.module.MOMENT_BYTES * inputs
    graph = profile_graph(host, tiny.model, tiny.clip, saliency_form="released")
    host.forget()
    set_free(monkeypatch, 0, ram=needed - 1)
    with pytest.raises(GraphError, match="model: profiling this model takes"):
        host.run(graph, "profile")
    set_free(monkeypatch, 0, ram=needed)
    assert len(host.run(graph, "profile")) == 1


def test_the_layers_that_fit_stay_on_the_device(
    plan: Planner, on_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = plan.shapes
    set_free(monkeypatch, 0)
    room = plan.module.MOMENT_BYTES * math.prod(plan.shapes[first]) + plan.scratch
    set_free(monkeypatch, room + plan.least_call(4))
    spilled = plan(2)
    assert spilled.moments == {first: GPU, **dict.fromkeys(others, CPU)}
    assert (spilled.sums, spilled.chunk) == (CPU, 4)


@pytest.mark.parametrize("state", list(VRAMState))
def test_weights_that_the_host_can_take_away_count_as_free(
    plan: Planner, on_gpu: None, monkeypatch: pytest.MonkeyPatch, state: VRAMState
) -> None:
    set_free(monkeypatch, 0)
    room = plan.moments + plan.scratch + plan.least_call(4)
    loaded = plan.model.model_size() // 2
    monkeypatch.setattr(plan.model.model, "model_loaded_weight_memory", loaded)
    set_free(monkeypatch, room - loaded)
    monkeypatch.setattr(model_management, "vram_state", state)
    streams = state in (VRAMState.NO_VRAM, VRAMState.LOW_VRAM, VRAMState.NORMAL_VRAM)
    placed = plan(2, chunk=4)
    assert all(device == GPU for device in placed.moments.values()) == streams


def test_other_models_leave_for_the_state_and_then_this_ones_weights(
    tiny: TinyModel, plan: Planner, on_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = SimpleNamespace(model=tiny.model.clone())
    other = SimpleNamespace(model=tiny_denoiser())
    asked: list[tuple[float, list[Any]]] = []

    def free_memory(wanted: float, device: torch.device, keep_loaded: list[Any]) -> None:
        asked.append((wanted, keep_loaded))

    set_free(monkeypatch, 10**10)
    monkeypatch.setattr(model_management, "current_loaded_models", [other, own])
    monkeypatch.setattr(model_management, "free_memory", free_memory)
    sums = 2 * plan.sums
    state = plan.moments + plan.scratch + sums
    enough = tiny.model.model_size() + state + plan.call(4)
    for total in (enough, enough - 1):
        monkeypatch.setattr(model_management, "get_total_memory", lambda device, total=total: total)
        plan(2)
    assert asked == [
        (enough, [own]),
        (state + plan.least_call(4), []),
        (enough - sums, [own]),  # what cannot fit drives nobody out
        (state + plan.least_call(4), []),
    ]


def test_weights_that_leave_on_demand_are_not_driven_out(
    tiny: TinyModel, plan: Planner, on_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def free_memory(wanted: float, device: Any, keep_loaded: Any, for_dynamic: bool) -> None:
        asked.append(for_dynamic)

    set_free(monkeypatch, 0)
    monkeypatch.setattr(model_management, "free_memory", free_memory)
    monkeypatch.setattr(tiny.model, "is_dynamic", lambda: True, raising=False)
    monkeypatch.setattr(tiny.model, "get_free_memory", lambda device: 10**10, raising=False)
    assert plan(2).sums == GPU
    assert asked == [True, True]


def test_the_largest_chunk_that_fits_is_chosen(
    plan: Planner, on_gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = plan.moments + plan.sums + plan.scratch + plan.model.model_size()
    set_free(monkeypatch, 0)
    for room, expected in (
        (beside + plan.call(1000), 16),
        (beside + plan.call(16), 16),
        (beside + plan.call(15), 8),
        (beside + plan.call(2), 4),  # weights make room
        (plan.scratch + plan.least_call(4), 4),
        (plan.scratch + plan.least_call(2), 2),
        (0, 1),
    ):
        set_free(monkeypatch, room)
        assert plan(1).chunk == expected
    assert plan(1, chunk=7).chunk == 7


def test_the_estimate_of_a_call_has_no_margin_of_the_patcher(
    plan: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer hosts' own patcher gives more than half as much again, and a gigabyte."""
    plain = plan.call(4)
    monkeypatch.setattr(plan.model, "memory_required", lambda shape: 10**12)
    assert plan.call(4) == plain


@pytest.mark.parametrize("concepts", [1, 4])
def test_the_state_takes_what_the_plan_reckons_with(
    extension: Any, plan: Planner, concepts: int
) -> None:
    kind = extension.module("nodes.host.profiling.step_statistics").StepStatistics
    shapes = plan.shapes
    statistics = kind(shapes, concepts, 4, 0.05, "exact", plan(concepts), torch.device("cpu"))
    made = storages(statistics)
    largest = max(math.prod(shape) for shape in shapes.values())
    scalars = 4 * len(shapes)
    planned = plan.moments + concepts * plan.sums
    assert sum(made.values()) == planned + 4 * largest + scalars  # one matrix of scratch
    for prompt in range(5):
        for name, (channels, inputs) in shapes.items():
            weight, x = torch.ones(channels, inputs), torch.ones(1, 3, inputs)
            statistics.add(name, range(prompt, prompt + 1), x, x @ weight.T, weight)
    assert storages(statistics) == made, "all of it is made before sampling"


def storages(holder: Any) -> dict[int, int]:
    """Address and bytes of the memory of all tensors that an object holds, however deep."""
    if isinstance(holder, torch.Tensor):
        memory = holder.untyped_storage()
        return {memory.data_ptr(): memory.nbytes()}
    if isinstance(holder, dict | list):
        parts = holder.values() if isinstance(holder, dict) else holder
    else:
        parts = vars(holder).values() if hasattr(holder, "__dict__") else ()
    return {address: size for part in parts for address, size in storages(part).items()}


def test_little_memory_changes_no_profile(
    host: Any, tiny: TinyModel, request: pytest.FixtureRequest
) -> None:
    graph = profile_graph(host, tiny.model, tiny.clip, concepts=CONCEPTS, profile_steps=2)
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

    def run(call: dict[str, Any]) -> None:
        rows.append(len(call["input"]))
        assert len(rows) < 100, "tried again without end"
        if rows[-1] > most:
            raise OOM_EXCEPTION("CUDA out of memory")

    return watched(model, run), rows


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


def test_the_size_of_call_that_worked_is_kept_for_the_rounds_that_follow(
    host: Any, extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extension.module("nodes.host.profiling.state_plan"), "LARGEST_ROUND", 1)
    host.forget()
    model, rows = crowded(tiny.model, most=4)
    graph = profile_graph(host, model, tiny.clip, concepts=CONCEPTS, batch_size=8, profile_steps=1)
    assert len(host.run(graph, "profile")) == 3
    assert rows[:2] == [16, 8] and set(rows[2:]) == {4}


def test_the_device_is_emptied_before_it_is_tried_again(
    host: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not while the error is at hand: it holds the tensors of the call that failed."""
    errors: list[Any] = []
    empty = model_management.soft_empty_cache

    def note(*arguments: Any) -> None:
        if sys._getframe(1).f_code.co_filename.endswith("memory.py"):
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
