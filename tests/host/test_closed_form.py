"""Closed-Form LoRA in the real host: what it changes, and what the host makes of it."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import folder_paths
import pytest
import torch
from comfy.model_management import OOM_EXCEPTION, interrupt_current_processing
from comfy.model_patcher import ModelPatcher
from comfy_extras.nodes_train import LoraModelLoader, SaveLoRA
from forgetting import after, prompts
from graphs import (
    PROFILE_INPUTS,
    Graph,
    GraphError,
    Host,
    draw,
    node,
    picture_graph,
    sources,
    watched,
)
from safetensors.torch import load_file
from server import PromptServer
from test_bad_input import knowing
from test_state_plan import CPU, GPU, crowded, set_free
from tiny_families import FAMILIES
from tiny_model import TinyModel
from tiny_quantised import ANOTHER_PACKS, FORMS, quantised_unet, read_only_unet

import nodes

INPUTS = {
    name: value
    for name, value in PROFILE_INPUTS.items()
    if name not in ("temporal_sparsity", "saliency_form", "use_cache")
}


@pytest.fixture(scope="module", autouse=True)
def host_nodes(host: Host) -> None:
    """The host's own nodes for LoRA that are not in a file."""
    nodes.NODE_CLASS_MAPPINGS |= {"LoraModelLoader": LoraModelLoader, "SaveLoRA": SaveLoRA}


def lora_graph(host: Host, tiny: TinyModel, model: Any = None, **inputs: Any) -> Graph:
    """Closed-Form LoRA ("node")."""
    given = {"model": ["model", 0], "clip": ["clip", 0], "keep": "", "share": 60.0}
    own = node("FIAClosedFormLora", **{**given, **INPUTS, **inputs})
    return {**sources(host, tiny, model), "node": own}


def lora(host: Host, tiny: TinyModel, model: Any = None, **inputs: Any) -> dict[str, torch.Tensor]:
    host.forget()
    return host.run(lora_graph(host, tiny, model, **inputs), "node", 1)[0]


def size(lora: dict[str, torch.Tensor]) -> float:
    return sum(float(change.float().square().sum()) for change in lora.values()) ** 0.5


def near(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    apart = {name: change.float() - other[name].float() for name, change in one.items()}
    return one.keys() == other.keys() and size(apart) < 0.01 * size(one)


def test_the_model_draws_otherwise_and_stays_as_it_was(host: Host, tiny: TinyModel) -> None:
    plain = draw(host, tiny)
    host.forget()
    changed = host.run(lora_graph(host, tiny), "node")[0]
    assert not torch.allclose(draw(host, tiny, changed), plain, atol=1e-3)
    assert torch.equal(draw(host, tiny), plain)


def test_it_changes_every_ffn2_weight_and_nothing_else(
    host: Host, extension: Any, tiny: TinyModel
) -> None:
    host.forget()
    changed = host.run(lora_graph(host, tiny), "node")[0]
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(tiny.model)
    assert set(changed.patches) == {f"{name}.weight" for name in layers}
    for change in lora(host, tiny).values():
        assert change.dtype == torch.float16 and change.isfinite().all() and change.any()


def test_a_smaller_share_moves_less_and_keep_is_heard(host: Host, tiny: TinyModel) -> None:
    free = lora(host, tiny)
    assert size(lora(host, tiny, share=20.0)) < size(free)
    kept = lora(host, tiny, keep="cat")
    assert kept.keys() == free.keys() and not near(kept, free)


@dataclass(frozen=True)
class Reading:
    """Sums of what FFN2 reads, and what they were made with."""

    sums: Any
    prompts: Any
    calls: Any


def read(
    extension: Any, tiny: TinyModel, request: Any, kept: Sequence[str] = (), model: Any = None
) -> Reading:
    prompts = extension.module("nodes.host.denoising.conditioning").RequestPrompts(
        tiny.clip, request
    )
    calls = extension.module("nodes.host.denoising.memory").FittingCalls(request.chunk)
    read_ffn2 = extension.module("nodes.host.closed_form.reading").read_ffn2
    return Reading(read_ffn2(model or tiny.model, prompts, calls, kept), prompts, calls)


def test_the_share_that_was_asked_for_goes(extension: Any, tiny: TinyModel) -> None:
    module = extension.module("nodes.host.closed_form.search")
    effect = extension.module("nodes.host.closed_form.effect").ConceptEffect
    request = prompts(extension).request(("church", "cat"))
    differences = module.forget_in_closed_form(tiny.model, tiny.clip, request, share=0.6)
    reading = read(extension, tiny, request)
    removed = effect(tiny.model, reading.prompts, reading.calls).removed
    most = removed(module.solve(tiny.model, reading.sums, module.LEAST_RIDGE))
    assert removed({}) == pytest.approx(0, abs=1e-6)
    assert 0.6 * most <= removed(differences) < 0.7 * most


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_the_ridge_is_the_largest_that_takes_the_share(extension: Any, share: float) -> None:
    module = extension.module("nodes.host.closed_form.search")

    def attempt(ridge: float) -> Any:
        return module.Trial(ridge, 1 / (1 + ridge), {})

    strongest = attempt(module.LEAST_RIDGE)
    found = module.largest_ridge(attempt, strongest, share)
    wanted = share * strongest.removed
    assert found.removed >= wanted > attempt(1.3 * found.ridge).removed


def test_nothing_that_can_go_is_refused(
    host: Host, extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = extension.module("nodes.host.closed_form.effect").ConceptEffect
    for removed in (0.0, -0.1, float("nan")):
        monkeypatch.setattr(effect, "removed", lambda *arguments, removed=removed: removed)
        with pytest.raises(
            GraphError, match="concepts: changing the FFN2 layers does not weaken them"
        ):
            lora(host, tiny)


def test_an_interrupt_while_ridges_are_tried_leaves_nothing_behind(
    host: Host, extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = draw(host, tiny)
    effect = extension.module("nodes.host.closed_form.effect").ConceptEffect
    removed = effect.removed

    def interrupted(self: Any, differences: Any) -> float:
        interrupt_current_processing()
        return removed(self, differences)

    monkeypatch.setattr(effect, "removed", interrupted)
    with pytest.raises(GraphError, match="execution_interrupted"):
        lora(host, tiny)
    assert not tiny.model.patches and not tiny.model.wrappers
    assert torch.equal(draw(host, tiny), plain)


def test_the_node_says_how_far_it_is(
    host: Host, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    monkeypatch.setattr(
        PromptServer.instance, "send_progress_text", lambda text, node: texts.append(text)
    )
    lora(host, tiny, keep="cat", batch_size=3, contexts="road\nforest\nbeach\nroom\npark")
    lines = [re.sub(" · about.*", "", text) for text in texts]
    assert lines[:4] == [
        "encoding the prompts …",
        "loading the model …",
        "step 1 of 3 · scene 1 of 5\nprompt 3 of 3",
        "step 1 of 3 · scene 2 of 5\nprompt 3 of 3",
    ]
    assert lines[17:-1] == [f"ridge {number} of 7" for number in (1, 2, 3, 4, 5, 6, 7, 7)]
    assert re.fullmatch(
        r"2 read in \d+ s, removed \d+% of what can be removed \(\d+% of the effect\), "
        r"ridge [\d.e+]+",
        lines[-1],
    )


@pytest.mark.parametrize("batch_size", [1, 2, 5, 0])
def test_prompts_a_call_make_no_difference(
    extension: Any, tiny: TinyModel, batch_size: int
) -> None:
    solve = extension.module("nodes.host.closed_form.search").solve
    concepts = ("church", "golf ball")

    def differences(**settings: Any) -> dict[str, torch.Tensor]:
        request = prompts(extension, **settings).request(concepts)
        return solve(tiny.model, read(extension, tiny, request, ("cat",)).sums, 0.1)

    assert near(differences(batch_size=batch_size), differences(batch_size=4))  # a scene


def test_the_benchmarks_method_is_the_node(host: Host, extension: Any, tiny: TinyModel) -> None:
    erased = after(
        extension,
        "ffn2_edit.closed_form_lora",
        tiny,
        prompts=prompts(extension),
        share=40.0,
        kept=("cat",),
    )
    same = prompts(extension)
    settings = {name: getattr(same, name) for name in ("seed", "steps", "profile_steps", "cfg")}
    settings |= {"contexts": "\n".join(same.contexts), "share": 40.0, "keep": "cat"}
    host.forget()
    changed = host.run(lora_graph(host, tiny, **settings), "node")[0]
    assert torch.allclose(draw(host, tiny, changed), draw(host, tiny, erased.model), atol=1e-3)


def test_the_hosts_loader_gives_it_a_strength(host: Host, tiny: TinyModel) -> None:
    """A picture of the node's model is one of Load LoRA Model at strength 1."""
    drawn: dict[float, torch.Tensor] = {}
    for strength in (0.0, 0.5, 1.0):
        host.forget()
        loader = {"model": ["model", 0], "lora": ["node", 1], "strength_model": strength}
        loader["bypass"] = False  # asked for by newer hosts
        graph = {
            **lora_graph(host, tiny),
            "loaded": node("LoraModelLoader", **loader),
            **picture_graph(["loaded", 0]),
        }
        drawn[strength] = host.run(graph, "picture")[0].clone()
    host.forget()
    graph = {**lora_graph(host, tiny), **picture_graph(["node", 0])}
    assert torch.equal(host.run(graph, "picture")[0], drawn[1.0])
    assert torch.equal(draw(host, tiny), drawn[0.0])
    assert not torch.equal(drawn[0.5], drawn[0.0])


def test_the_host_saves_it_as_a_file_that_its_load_lora_reads(host: Host, tiny: TinyModel) -> None:
    host.forget()
    save = node("SaveLoRA", lora=["node", 1], prefix="loras/closed")
    host.run_outputs({**lora_graph(host, tiny), "save": save})
    (file,) = Path(folder_paths.get_output_directory(), "loras").glob("closed*.safetensors")
    folder = Path(folder_paths.get_folder_paths("loras")[0])
    folder.mkdir(parents=True, exist_ok=True)
    shutil.move(file, folder / "closed.safetensors")
    folder_paths.filename_list_cache.pop("loras", None)
    assert load_file(folder / "closed.safetensors").keys() == lora(host, tiny).keys()
    inputs = {"model": ["model", 0], "lora_name": "closed.safetensors", "strength_model": 1.0}
    loaded = node("LoraLoaderModelOnly", **inputs)
    host.forget()
    graph = {**sources(host, tiny), "loaded": loaded, **picture_graph(["loaded", 0])}
    from_file = host.run(graph, "picture")[0].clone()
    host.forget()
    graph = {**lora_graph(host, tiny), **picture_graph(["node", 0])}
    assert torch.equal(host.run(graph, "picture")[0], from_file)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family(host: Host, tiny: TinyModel, name: str) -> None:
    """Also where prompts have different numbers of tokens."""
    family = FAMILIES[name]
    few = {"contexts": "road\nforest", "width": family.side, "height": family.side}
    graph = lora_graph(host, tiny, family.denoiser(), cfg=family.cfg, concepts="old church", **few)
    graph["clip"] = host.source(family.clip())
    host.forget()
    changes = host.run(graph, "node", 1)[0]
    assert all(change.isfinite().all() for change in changes.values())
    assert size(changes) > 0


def test_quantised_weights_are_changed_by_the_host(host: Host, tiny: TinyModel) -> None:
    model = quantised_unet(FORMS["fp8"])
    host.forget()
    changed = host.run(lora_graph(host, tiny, model), "node")[0]
    assert not torch.allclose(draw(host, tiny, changed), draw(host, tiny, model), atol=1e-3)


def test_weights_that_cannot_be_written_are_refused(host: Host, tiny: TinyModel) -> None:
    with pytest.raises(GraphError, match="can be read and not written"):
        lora(host, tiny, read_only_unet(ANOTHER_PACKS))


def test_fewer_prompts_a_call_where_memory_runs_out(extension: Any, tiny: TinyModel) -> None:
    solve = extension.module("nodes.host.closed_form.search").solve
    effect = extension.module("nodes.host.closed_form.effect").ConceptEffect
    request = prompts(extension, batch_size=4, cfg=1.0).request(("church",))
    model, rows = crowded(tiny.model, most=2)
    reading = read(extension, tiny, request, model=model)
    assert (max(rows), reading.calls.chunk) == (4, 2)
    whole = read(extension, tiny, request)
    assert near(solve(model, reading.sums, 0.1), solve(tiny.model, whole.sums, 0.1))
    rows.clear()
    effect(model, reading.prompts, whole.calls)
    assert max(rows) == 4 and rows[-1] <= 2


def test_a_layer_is_solved_beside_the_card_where_that_has_no_room(
    extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = extension.module("nodes.host.closed_form.search")
    sums = read(extension, tiny, prompts(extension).request(("church",))).sums
    whole = module.solve(tiny.model, sums, 0.1)
    solve = module.ClosedForm.difference
    tried: list[str] = []

    def difference(layer: Any, ridge: float, device: torch.device) -> torch.Tensor:
        tried.append(device.type)
        if device.type == "cuda":
            raise OOM_EXCEPTION("no room")
        return solve(layer, ridge, device)

    monkeypatch.setattr(module.ClosedForm, "difference", difference)
    monkeypatch.setattr(module, "make_room", lambda model, wanted: None)
    monkeypatch.setattr(tiny.model, "load_device", GPU)
    assert near(module.solve(tiny.model, sums, 0.1), whole)
    assert tried == ["cuda", "cpu"] * len(whole)


def test_sums_are_on_the_card_as_far_as_it_has_room(
    extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = extension.module("nodes.host.closed_form.reading")
    layers = extension.module("nodes.host.model.layers")
    shapes = layers.layer_shapes(layers.find_ffn2_layers(tiny.model))
    sizes = {name: 4 * (c_out + c_in) * c_in for name, (c_out, c_in) in shapes.items()}
    latent = extension.module("nodes.host.denoising.denoise").empty_latent(tiny.model, 64, 64).shape
    monkeypatch.setattr(tiny.model, "load_device", GPU)

    def places(device: float, ram: float = 10**12) -> set[torch.device]:
        set_free(monkeypatch, device, ram)
        return set(module.place_sums(tiny.model, shapes, latent, 4).values())

    assert places(10**12) == {GPU}
    assert places(0) == {CPU}
    whole = sum(sizes.values())
    least = next(room for room in range(0, 10**8, 10**5) if places(room) == {GPU})
    assert places(least - whole / 2) == {GPU, CPU}
    with pytest.raises(ValueError, match=r"takes .* GiB of memory \(RAM\)"):
        places(0, ram=whole - 1)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"concepts": " "}, "concepts: there are none"),
        ({"keep": "cat\nChurch"}, "concepts and keep: 'Church' is there twice"),
        ({"share": ["number", 0]}, "share: is 0; give a number from 1 to 100"),
        ({"contexts": "road"}, "contexts: .*at least 2"),
        ({"profile_steps": 11}, "profile_steps: 11"),
    ],
)
def test_wrong_inputs(host: Host, tiny: TinyModel, inputs: dict[str, Any], words: str) -> None:
    host.forget()
    graph = lora_graph(host, tiny, **inputs) | {"number": host.source(0.0)}
    with pytest.raises(GraphError, match=words):
        host.run(graph, "node")
    layers = tiny.model.model.diffusion_model.modules()
    assert not any(layer._forward_hooks for layer in layers)


def test_a_word_to_keep_that_the_encoder_does_not_know(host: Host, tiny: TinyModel) -> None:
    host.forget()
    graph = lora_graph(host, tiny, keep="cat")
    graph["clip"] = host.source(knowing(tiny, "church"))
    with pytest.raises(GraphError, match="keep: the text encoder knows no word of 'cat'"):
        host.run(graph, "node")


def test_a_layer_that_is_not_called_is_named(
    host: Host, extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = extension.module("nodes.host.denoising.watch").LayerWatch
    monkeypatch.setattr(capture, "forward", lambda self, parts: None)
    with pytest.raises(GraphError, match="ran for 0 prompts instead of 8 at a step"):
        lora(host, tiny)


def test_numbers_that_are_none_are_refused(host: Host, tiny: TinyModel) -> None:
    def spoil(call: dict[str, Any]) -> None:
        call["input"].fill_(float("nan"))

    model: ModelPatcher = watched(tiny.model, spoil)
    with pytest.raises(GraphError, match="NaN or infinity"):
        lora(host, tiny, model)
