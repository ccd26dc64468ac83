"""Forget LoRA in the real host: what it changes, what the host makes of it, what it refuses."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import folder_paths
import pytest
import torch
from comfy.model_management import OOM_EXCEPTION, interrupt_current_processing
from comfy.sd1_clip import SDClipModel
from comfy.text_encoders.sd3_clip import SD3Tokenizer, sd3_clip
from graphs import (
    FORGET_INPUTS,
    Graph,
    GraphError,
    Host,
    draw,
    node,
    picture_graph,
    sources,
    watched,
)
from safetensors import safe_open
from test_bad_input import knowing
from tiny_families import FAMILIES
from tiny_model import TinyModel, tiny_denoiser
from tiny_quantised import ANOTHER_PACKS, FORMS, TEXT_LAYER, quantised_attention, read_only_unet

pytestmark = pytest.mark.usefixtures("lora_nodes")


def forget_graph(host: Host, tiny: TinyModel, model: Any = None, **inputs: Any) -> Graph:
    """Forget LoRA ("node")."""
    own = {"model": ["model", 0], "clip": ["clip", 0], **FORGET_INPUTS, **inputs}
    return {**sources(host, tiny, model), "node": node("FIAForgetLora", **own)}


def lora(host: Host, tiny: TinyModel, model: Any = None, **inputs: Any) -> dict[str, torch.Tensor]:
    host.forget()
    return host.run(forget_graph(host, tiny, model, **inputs), "node", 1)[0]


def products(lora: dict[str, torch.Tensor]) -> torch.Tensor:
    """What all layers' halves make together."""
    ups = [name for name in lora if name.endswith(".lora_up.weight")]
    downs = [name.replace("lora_up", "lora_down") for name in ups]
    return torch.cat(
        [
            (lora[up].float() @ lora[down].float()).flatten()
            for up, down in zip(ups, downs, strict=True)
        ]
    )


def test_it_changes_what_reads_the_text_and_leaves_the_model_as_it_was(
    host: Host, extension: Any, tiny: TinyModel
) -> None:
    plain = draw(host, tiny)
    host.forget()
    changed = host.run(forget_graph(host, tiny), "node")[0]
    layers = extension.module("nodes.host.model.layers").find_text_layers(tiny.model)
    assert set(changed.patches) == {f"{name}.weight" for name in layers}
    assert all(name.endswith(("attn2.to_k", "attn2.to_v")) for name in layers)
    assert not torch.allclose(draw(host, tiny, changed), plain, atol=1e-3)
    assert torch.equal(draw(host, tiny), plain)


def test_the_hosts_nodes_draw_what_the_node_draws(host: Host, tiny: TinyModel) -> None:
    """By wire, and through a file, at strength 1."""
    host.forget()
    graph = forget_graph(host, tiny)
    by_node = draw(host, tiny, host.run(graph, "node")[0])
    wired = {"model": ["model", 0], "lora": ["node", 1], "bypass": False, "strength_model": 1.0}
    graph["load"] = node("LoraModelLoader", **wired)
    assert torch.equal(draw(host, tiny, host.run(graph, "load")[0]), by_node)

    folder = Path(folder_paths.get_folder_paths("loras")[0])
    wired = {"model": ["model", 0], "lora": ["node", 1], "filename_prefix": "ours"}
    graph["save"] = node("FIASaveErasureLora", **wired, strength=0.5)
    (ours,) = host.run(graph, "save")
    told = json.loads(safe_open(folder / ours, "pt").metadata()["forget_it_all"])
    assert told == {"concepts": ["church"], "instead": "", "architecture": "SD15", "strength": 0.5}
    host.run_outputs({**graph, "save": node("SaveLoRA", lora=["node", 1], prefix="loras/forget")})
    (file,) = Path(folder_paths.get_output_directory(), "loras").glob("forget*.safetensors")
    shutil.move(file, folder / "forget.safetensors")
    folder_paths.filename_list_cache.pop("loras", None)
    for name, strength in (("forget.safetensors", 1.0), (ours, 2.0)):
        inputs = {"model": ["model", 0], "lora_name": name, "strength_model": strength}
        graph = {**sources(host, tiny), "loaded": node("LoraLoaderModelOnly", **inputs)}
        assert torch.equal(draw(host, tiny, host.run(graph, "loaded")[0]), by_node)


def test_a_layer_that_computes_nothing_is_named(host: Host, tiny: TinyModel) -> None:
    model = tiny_denoiser()
    (name, *_) = (name for name in model.model.state_dict() if name.endswith("attn2.to_k.weight"))
    model.model.get_parameter(name).data.zero_()
    layer = name.removesuffix(".weight")
    with pytest.raises(GraphError, match=f"model: {layer} computes nothing.*in fp16 or bf16"):
        lora(host, tiny, model)


def test_a_strips_rows_are_runs_at_each_strength(host: Host, tiny: TinyModel) -> None:
    assert_rows_are_runs(host, tiny)


def assert_rows_are_runs(host: Host, tiny: TinyModel, model: Any = None) -> None:
    """Of a strip of Forget LoRA, with Load LoRA Model at each strength."""
    strengths = (-1.0, 0.0, 0.5, 1.0)
    host.forget()
    graph = {**forget_graph(host, tiny, model), **picture_graph(["changed", 0])}
    del graph["picture"]
    wired = {"model": ["model", 0], "lora": ["node", 1]}
    graph["changed"] = node(
        "FIAStrengthStrip", **wired, latent=["latent", 0], strengths=" ".join(map(str, strengths))
    )
    graph["sampler"]["inputs"]["latent_image"] = ["changed", 1]
    rows = host.run(graph, "sampler")[0]["samples"].clone()
    graph["sampler"]["inputs"]["latent_image"] = ["latent", 0]
    for strength, row in zip(strengths, rows, strict=True):
        graph["changed"] = node("LoraModelLoader", **wired, strength_model=strength, bypass=False)
        single = host.run(graph, "sampler")[0]["samples"][0]
        assert (row - single).abs().max() < 2e-4 * single.abs().max()
    assert (rows[1] - rows[3]).abs().max() > 1e-3 * rows[1].abs().max()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "mask, lora: connect one of the two"),
        ({"lora": ["other", 0]}, "lora: it lacks 'lora_unet_x.lora_up.weight'"),
        ({"lora": ["node", 1], "strengths": "-3"}, "strengths: '-3' is no number from -2 to 2"),
    ],
)
def test_a_strip_says_what_it_cannot_draw(
    host: Host, tiny: TinyModel, inputs: dict[str, Any], message: str
) -> None:
    graph = forget_graph(host, tiny) | {
        "latent": host.source({"samples": torch.zeros(1, 4, 8, 8)}),
        "other": host.source({"lora_unet_x.diff": torch.zeros(2, 2)}),
    }
    given = {"model": ["model", 0], "latent": ["latent", 0], "strengths": "0, 1", **inputs}
    with pytest.raises(GraphError, match=message):
        host.run(graph | {"strip": node("FIAStrengthStrip", **given)}, "strip")


def test_a_strip_heeds_alpha(host: Host, extension: Any, tiny: TinyModel) -> None:
    parts = extension.module("nodes.host.model.lora").lora_parts
    made = lora(host, tiny)
    double = {name: 2 * each if name.endswith("alpha") else each for name, each in made.items()}
    for name, (up, down) in parts(tiny.model, double).items():
        assert torch.equal(up, 2 * parts(tiny.model, made)[name][0])
        assert torch.equal(down, parts(tiny.model, made)[name][1])


def test_its_settings_are_heard(host: Host, tiny: TinyModel) -> None:
    plain = products(lora(host, tiny))
    assert products(lora(host, tiny, amount=0.2)).norm() < plain.norm()
    for other in ({"keep": "cat"}, {"instead": "cat"}, {"kind": "art style"}, {"rank": 3}):
        assert not torch.allclose(products(lora(host, tiny, **other)), plain, rtol=0.01)
    of_two = lora(host, tiny, concepts="church\ncat", rank=2)
    assert {len(of_two[name]) for name in of_two if "lora_down" in name} == {2}


def test_what_is_solved_depends_on_concepts_how_much_and_ranks(
    host: Host, extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget = extension.module("nodes.host.forgetting.forget")
    change, seen = forget.change_text, []

    def watched(*rows: torch.Tensor, ridge: float, preserve: float, **size: Any) -> Any:
        seen.append((forget.RIDGE_EACH / ridge, preserve))
        return change(*rows, ridge=ridge, preserve=preserve, **size)

    monkeypatch.setattr(forget, "change_text", watched)
    lora(host, tiny, amount=1.0)
    lora(host, tiny, amount=1.0, concepts="church\ncat")
    lora(host, tiny, amount=2.0)
    assert seen[::2] == [(1, 100), (4, 100), (2, 50)], "the paper's prompts"
    assert seen[1::2] == [(1, 10), (4, 10), (2, 5)], "and further wordings, as one rank is too few"
    monkeypatch.setattr(forget, "SHARE", 0.0)
    once = FAMILIES["AuraFlow"]
    forget.forget_lora(once.denoiser(), once.clip(), forget.Wish(("church",)))
    assert seen[6:] == [(forget.RIDGE_EACH / forget.RIDGE_ONCE, 100)]


def test_the_node_says_which_of_several_concepts_changed_least(
    extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget, said = extension.module("nodes.host.forgetting.forget"), []
    progress = extension.module("nodes.host.denoising.progress")
    monkeypatch.setattr(progress, "say", lambda text, node_id: said.append(text))
    forget.forget_lora(tiny.model, tiny.clip, forget.Wish(("church", "cat", "dog")))
    one = r"(church|cat|dog) \((\d+)%\)"
    ((name, least, other, more),) = re.findall(f"least changed: {one}, then {one}", said[-1])
    assert name != other and int(least) <= int(more)


def test_what_was_read_is_not_read_again(
    host: Host, extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora(host, tiny)
    captions = extension.module("nodes.host.forgetting.captions")
    monkeypatch.delattr(captions, "encode_prompts")
    lora(host, tiny, amount=2.0, rank=2)
    with pytest.raises(GraphError, match="encode_prompts"):
        lora(host, tiny, keep="golf ball")


def test_an_earlier_lora_is_part_of_the_model(host: Host, tiny: TinyModel) -> None:
    before = lora(host, tiny)
    changed = tiny.model.clone()
    weights = {name: w for name, w in tiny.model.model.state_dict().items() if "attn2.to_v" in name}
    changed.add_patches({name: ("diff", (w,)) for name, w in weights.items() if "weight" in name})
    after = lora(host, tiny, changed)
    for name, up in before.items():
        if "lora_up" in name:
            down = name.replace("lora_up", "lora_down")
            factor = 2 if "to_v" in name else 1
            expected = factor * up.float() @ before[down].float()
            made = after[name].float() @ after[down].float()
            assert (made - expected).norm() < 1e-3 * expected.norm()  # halves are of 16 bits


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"concepts": " "}, "concepts: there are none"),
        ({"concepts": "church", "keep": "Church"}, "concepts and keep: .* is there twice"),
        ({"concepts": "church", "instead": "church"}, "concepts and instead: .* is there twice"),
        ({"concepts": "church\ncat", "instead": "a cat"}, "prompts with 'cat' and .* alike"),
        ({"amount": 0.0}, "amount"),
        ({"rank": -1}, "rank"),
        ({"clip": ["nothing", 0]}, "clip: None, the checkpoint has no text encoder"),
    ],
)
def test_bad_input_is_named(
    host: Host, tiny: TinyModel, inputs: dict[str, Any], message: str
) -> None:
    graph = forget_graph(host, tiny, **inputs) | {"nothing": host.source(None)}
    host.forget()
    with pytest.raises(GraphError, match=message):
        host.run(graph, "node")


def test_unknown_words_are_refused(host: Host, tiny: TinyModel) -> None:
    clip = knowing(tiny, "cat")
    for field, given in {
        "concepts": {"concepts": "church"},
        "keep": {"concepts": "cat", "keep": "church"},
        "instead": {"concepts": "cat", "instead": "church"},
    }.items():
        graph = forget_graph(host, tiny, **given) | {"clip": host.source(clip)}
        with pytest.raises(
            GraphError, match=f"{field}: the text encoder knows no word of 'church'"
        ):
            host.run(graph, "node")


@pytest.mark.parametrize("form", ["fp8 scaled, old", "fp8", "int8 by rows", "int8 rotated"])
def test_quantised_layers_give_nearly_the_same(host: Host, tiny: TinyModel, form: str) -> None:
    """Their weights are read as they compute; what the tiny model's rounding moves is not much."""
    FORMS[form].require()
    exact = products(lora(host, tiny))
    rounded = products(lora(host, tiny, quantised_attention(FORMS[form])))
    assert (rounded - exact).norm() < 0.1 * exact.norm()


def test_what_it_asks_the_layers_is_not_rounded(host: Host, tiny: TinyModel) -> None:
    """As a GPU rounds what layers of 8 bits read."""
    model = quantised_attention(FORMS["fp8"])
    exact = lora(host, tiny, model)
    for name, layer in model.model.named_modules():
        if ".attn2.to_" in name and hasattr(layer, "layout_type"):
            layer._full_precision_mm, layer.input_scale = False, torch.ones(())
    rounding = lora(host, tiny, model.clone())
    assert all(torch.equal(rounding[name], exact[name]) for name in exact)


def test_weights_that_can_only_be_read_are_refused(host: Host, tiny: TinyModel) -> None:
    with pytest.raises(GraphError, match="can be read and not written"):
        lora(host, tiny, read_only_unet(ANOTHER_PACKS, TEXT_LAYER))


@pytest.mark.parametrize("error", ["interrupt", OOM_EXCEPTION("memory"), RuntimeError("broken")])
def test_nothing_is_left_in_the_model_when_it_ends_early(
    host: Host, extension: Any, tiny: TinyModel, error: Any
) -> None:
    plain = draw(host, tiny)

    def fail(_: Any) -> None:
        if error == "interrupt":
            interrupt_current_processing()
            return
        raise error

    with pytest.raises(GraphError):
        lora(host, tiny, watched(tiny.model, fail))
    interrupt_current_processing(False)
    layers = extension.module("nodes.host.model.layers").find_text_layers(tiny.model)
    assert not any(layer._forward_pre_hooks for layer in layers.values())
    assert torch.equal(draw(host, tiny), plain)


def test_padding_and_templates_are_told_from_words(extension: Any) -> None:
    tokens = extension.module("nodes.host.forgetting.tokens")
    rows = torch.arange(9.0)[:, None]
    behind = tokens.caption([1, 5, 6, 2, 0, 0, 0, 0, 0], rows)
    assert behind.words == (1, 5, 6, 2, 0) and behind.after.flatten().tolist() == [5, 6, 7, 8]
    ahead = tokens.caption([0, 0, 0, 0, 1, 5, 6, 2, 3], rows)
    assert ahead.words == (0, 1, 5, 6, 2, 3) and ahead.before.flatten().tolist() == [2, 1, 0]
    said: list[Any] = []
    tokens._numbered(SDClipModel(device="meta"), said, [[torch.ones(2), torch.ones(2)]])
    assert said[0] == said[1], "a vector of an embedding"
    long = tokens.caption([1, *[0] * 99], torch.zeros(100, 1))
    assert len(long.after) <= tokens.MOST_PADDING


class Clip:
    """A text encoder of a class that is not the host's usual one, as Lens has it."""

    def __init__(self, tokens: list[int]) -> None:
        self.cond_stage_model = torch.nn.Module()
        self._tokens = tokens

    def tokenize(self, _: str) -> dict[str, list[list[tuple[int, float]]]]:
        return {"llm": [[(token, 1.0) for token in self._tokens]]}


@pytest.mark.parametrize(
    ("tokens", "rows", "expected"),
    [
        ([1, 2], [1, 1], [1, 2]),
        ([4, 4, 1, 2], [1, 1], [1, 2]),
        ([1, 2, 0, 0, 0], [1, 1, 1], [1, 2, 0]),
        ([1, 2], [1, 1, 1], [1, 2, "added"]),
        ([1, 2], [0, 1, 1], ["added", 1, 2]),
    ],
    ids=["all", "a template", "no padding", "more behind", "zeros in front, as FLUX.2 dev"],
)
def test_each_row_is_a_token(
    extension: Any, tokens: list[int], rows: list[int], expected: list[int | str]
) -> None:
    tokens_of = extension.module("nodes.host.forgetting.tokens").tokens_of
    assert tokens_of(Clip(tokens), "", torch.tensor(rows)[:, None]) == expected


def test_the_tokens_of_encoders_behind_each_other(extension: Any) -> None:
    """Stable Diffusion 3: two beside each other, and T5, all with 77 tokens."""
    encoder = sd3_clip()(device="meta")
    clip: Any = SimpleNamespace(
        cond_stage_model=encoder, tokenize=SD3Tokenizer().tokenize_with_weights
    )
    prompt = "a church in a road"
    tokens_of = extension.module("nodes.host.forgetting.tokens").tokens_of
    said = tokens_of(clip, prompt, torch.ones(2 * 77, 1))
    tokens = {name: [token for token, _ in one] for name, (one,) in clip.tokenize(prompt).items()}
    assert said == [*tokens["g"], *tokens["t5xxl"]]
