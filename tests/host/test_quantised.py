"""Quantised models, in each form that the host has: profiled, masked, told apart, kept."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.quant_ops import QuantizedTensor
from comparison import assert_close_sensitivities
from graphs import QUICK, Graph, apply_node, draw, fuse_node, picture_graph, profile_graph, profiled
from masks_and_loras import drawn_mask, with_lora
from plain_sampling import plain_sensitivities
from tiny_families import FAMILIES
from tiny_model import TinyModel, tiny_denoiser
from tiny_quantised import (
    ANOTHER_PACKS,
    AWQ,
    FORMS,
    LEFT,
    MOVED,
    OLD_HOST,
    READ_ONLY_LAYER,
    Form,
    quantised_flux,
    quantised_unet,
    read_only_unet,
    weights_in_effect,
)

LAST = "diffusion_model.output_blocks.3.1.transformer_blocks.0.ff.net.2"

APPLY = "FIAApplyNeuronMask"
HELP = Path(__file__).resolve().parents[2] / "web" / "docs"
ROWS = (
    ("fp8", "fp8 scaled, old"),
    ("fp8 e5m2",),
    ("int8", "int8 by rows"),
    ("int8 rotated",),
    ("nvfp4",),
    ("mxfp8",),
    ("asym_w4a8_int8",),
    ("convrot_w4a4",),
)
"""Forms in the rows of the help page's table."""

ROUNDED_PRODUCTS = {
    "int8": 0.8,
    "int8 by rows": 0.8,
    "int8 rotated": 0.8,
    "asym_w4a8_int8": 0.8,
    "convrot_w4a4": 0.5,  # to four bits
}
"""Forms in which the host also rounds what goes into a layer, on a CPU too; which share of the most
sensitive weights stays the same."""


@pytest.fixture(params=FORMS)
def name(request: pytest.FixtureRequest, extension: Any) -> str:
    FORMS[request.param].require()
    return request.param


@pytest.fixture
def form(name: str) -> Form:
    return FORMS[name]


def erasing(host: Any, tiny: TinyModel, model: ModelPatcher, **inputs: Any) -> Graph:
    """From the concepts to a picture and an inspection, through all nodes in between."""
    return {
        **profile_graph(host, model, tiny.clip, concepts="church\ncat", **QUICK, **inputs),
        **picture_graph(["apply", 0]),
        "vae": host.source(tiny.vae),
        "fuse": fuse_node(),
        "save": {
            "class_type": "FIASaveNeuronMask",
            "inputs": {"mask": ["fuse", 0], "filename_prefix": "quantised"},
        },
        "inspect": {
            "class_type": "FIAInspectMask",
            "inputs": {"mask": ["fuse", 0], "concept_masks": ["mask", 0], "overlap": "in either"},
        },
        "apply": apply_node(mask="fuse"),
    }


def test_from_concepts_to_a_picture_and_a_file(
    host: Any, extension: Any, tiny: TinyModel, folder: Path, form: Form
) -> None:
    model = quantised_unet(form)
    host.forget()
    graph = erasing(host, tiny, model)
    graph["inspect"]["inputs"]["overlap"] = next(iter(extension.module("nodes.charts").MEASURES))
    erased = host.run(graph, "picture")[0].clone()
    (mask,) = host.run(graph, "fuse")
    assert all(pruned.any() for pruned in mask.layers.values())
    (name,) = host.run(graph, "save")
    assert (folder / name).is_file()
    assert "church" in host.run(graph, "inspect", 1)[0]

    graph["apply"]["inputs"]["mask"] = ["load", 0]
    graph["load"] = {"class_type": "FIALoadNeuronMask", "inputs": {"mask_file": name}}
    assert torch.equal(host.run(graph, "picture")[0], erased), "the file is the mask"

    graph["apply"]["inputs"]["strength"] = 0.0
    untouched = host.run(graph, "picture")[0].clone()
    graph["sampler"]["inputs"]["model"] = ["model", 0]
    plain = host.run(graph, "picture")[0].clone()
    assert torch.equal(untouched, plain)
    assert plain.isfinite().all() and not torch.equal(erased, plain)


def test_the_profile_is_that_of_the_weights_in_effect(
    host: Any, extension: Any, tiny: TinyModel, name: str, form: Form
) -> None:
    model = quantised_unet(form)
    plain = tiny_denoiser()
    weights = {f"{layer}.weight": weight for layer, weight in weights_in_effect(model).items()}
    biases = {  # the old form stores them in few bits, too
        name: bias.float()
        for name, bias in model.model.named_parameters()
        if name.endswith(".bias")
    }
    assert not plain.model.load_state_dict(weights | biases, strict=False).unexpected_keys
    profile = profiled(host, model, tiny.clip)
    expected = plain_sensitivities(extension.module("fia_core"), plain, tiny.clip, profile)
    if name not in ROUNDED_PRODUCTS:
        assert_close_sensitivities(profile, expected)
    for layer, sparse in profile.layers.items():
        mine, theirs = (most_sensitive(each) for each in (sparse.dense(), expected[layer]))
        assert (mine & theirs).sum() > ROUNDED_PRODUCTS.get(name, 0.8) * mine.sum(), layer


def most_sensitive(sensitivity: torch.Tensor) -> torch.Tensor:
    """The highest 3 %."""
    chosen = sensitivity.flatten().topk(int(0.03 * sensitivity.numel())).indices
    return torch.zeros(sensitivity.numel(), dtype=torch.bool).scatter(0, chosen, True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_masked_weights_go_kept_ones_stay_near_and_all_come_back(
    extension: Any, name: str, form: Form, dtype: torch.dtype
) -> None:
    model = quantised_unet(form, dtype)
    mask = drawn_mask(extension, model, share=0.2)
    before = weights_in_effect(model)
    masked = extension.module("nodes.host.applying.weight_patch").apply_neuron_mask(
        model, mask, 1.0
    )
    masked.patch_model(torch.device("cpu"))
    during = weights_in_effect(model)
    masked.unpatch_model(torch.device("cpu"))
    after = weights_in_effect(model)
    for layer, pruned in mask.layers.items():
        old, new = before[layer], during[layer]
        size = old.square().mean().sqrt()
        assert old[pruned].any()
        assert new[pruned].square().mean().sqrt() <= LEFT.get(name, 0.0) * size
        moved = (new - old)[~pruned].square().mean().sqrt()
        assert moved <= max(MOVED[name], torch.finfo(dtype).eps) * size, layer
        assert torch.allclose(after[layer], old, rtol=torch.finfo(dtype).eps)


@pytest.mark.usefixtures("small_gpu")
def test_weights_that_are_off_the_device_are_masked_at_use(
    host: Any, extension: Any, tiny: TinyModel, form: Form
) -> None:
    model = quantised_unet(form)
    mask = drawn_mask(extension, model, share=0.2)
    masked = extension.module("nodes.host.applying.weight_patch").apply_neuron_mask(
        model, mask, 1.0
    )
    assert draw(host, tiny, masked).isfinite().all()
    assert masked.lowvram_patch_counter() >= len(mask.layers), "the host loaded the whole model"
    (function,) = masked.model.get_submodule(LAST).weight_function
    before = weights_in_effect(model)[LAST]
    if OLD_HOST:
        pytest.skip("this host rounds again here, too")
    weight = function(before.clone())
    assert torch.equal(weight, before * ~mask.layers[LAST])


def changed(model: ModelPatcher, part: str) -> ModelPatcher:
    """Change one entry of a quantised layer's weight, or its scale."""
    layer: Any = model.model.get_submodule(LAST)
    if not isinstance(layer.weight, QuantizedTensor):
        tensor = layer.weight if part == "_qdata" else layer.scale_weight
    else:
        names, _ = layer.weight.__tensor_flatten__()
        tensor = getattr(layer.weight, part if part in names else names[-1])
    flat = tensor.data.reshape(-1).view(torch.uint8)
    flat[-1 if tensor.dtype.itemsize > 1 else 0] += 1
    return model


def known_by(extension: Any, model: ModelPatcher) -> tuple[str, str]:
    """The fingerprints by which masks and the cache of profiles know a model."""
    module = extension.module("nodes.host.profiling.fingerprint")
    fingerprint = module.Fingerprint()
    module.add_model(fingerprint, model)
    identity = extension.module("nodes.host.model.identity").model_identity(model)
    return identity.fingerprint, fingerprint.text()


def test_models_are_told_apart_by_weights_and_scales(
    host: Any, extension: Any, tiny: TinyModel, form: Form
) -> None:
    own = [
        known_by(extension, quantised_unet(form)),
        known_by(extension, changed(quantised_unet(form), "_qdata")),
        known_by(extension, changed(quantised_unet(form), "scale")),
        known_by(extension, with_lora(quantised_unet(form))),
    ]
    for fingerprints in zip(*own, strict=True):
        assert len({*fingerprints}) == len(own)

    model = with_lora(quantised_unet(form))
    model.patch_model(torch.device("cpu"))
    assert known_by(extension, model) == own[-1], "while the LoRA is in place"
    model.unpatch_model(torch.device("cpu"))
    model = quantised_unet(form)
    draw(host, tiny, model)
    assert known_by(extension, model) == own[0], "after it was used"


def test_that_kept_weights_move_is_told_once(
    extension: Any, form: Form, caplog: pytest.LogCaptureFixture
) -> None:
    model = quantised_unet(form)
    module = extension.module("nodes.host.applying.weight_patch")
    mask = drawn_mask(extension, model)
    caplog.set_level(logging.INFO)
    module.apply_neuron_mask(model, mask, 0.0)
    assert module.ROUNDED_AGAIN not in caplog.messages, "no patch, nothing is rounded"
    for strength in (1.0, 0.5):
        module.apply_neuron_mask(model, mask, strength)
    assert caplog.messages.count(module.ROUNDED_AGAIN) == 1
    plain = tiny_denoiser()
    module.apply_neuron_mask(plain, drawn_mask(extension, plain), 1.0)
    assert caplog.messages.count(module.ROUNDED_AGAIN) == 1


@pytest.mark.parametrize("language", ["", "zh", "ja", "fr", "es"])
def test_the_help_page_says_by_how_much(language: str) -> None:
    page = HELP / APPLY / f"{language}.md" if language else HELP / f"{APPLY}.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    said = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]
    assert len(said) == len(ROWS)
    for (names, moved, left), forms in zip(said, ROWS, strict=True):
        assert forms[0].split()[0] in names
        assert percent(moved) == 100 * max(MOVED[form] for form in forms)
        assert percent(left) == 100 * max(LEFT.get(form, 0.0) for form in forms)


def percent(cell: str) -> float:
    (number,) = re.findall(r"\d+(?:[.,]\d+)?", cell)
    return float(number.replace(",", "."))


def test_the_weight_that_is_scored_is_the_one_that_computes(extension: Any, form: Form) -> None:
    model = quantised_flux(form)
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(model)
    assert {name.removeprefix("diffusion_model.") for name in layers} == FAMILIES["Flux"].layers
    scored: dict[str, torch.Tensor] = {}
    capture = extension.module("nodes.host.denoising.watch").LayerWatch(
        layers,
        lambda name, prompts, x, y, weight: scored.update({name: weight.float().abs()}),
        weights=torch.clone,
    )
    capture.forward([0])
    with capture.attached(), capture.prompts(range(1)):
        for layer in layers.values():
            layer(torch.ones(1, 1, layer.in_features))
    expected = weights_in_effect(model)
    for name in layers:
        assert torch.equal(scored[name], expected[name].abs())


def test_a_layer_that_scales_its_input_is_masked_with_that(extension: Any) -> None:
    """As nvfp4 files with smoothed activations."""
    form = FORMS["fp8"]
    if OLD_HOST:
        pytest.skip("this host scales no input")
    layer: Any = quantised_unet(form).model.get_submodule(LAST)
    layer.pre_quant_scale = torch.linspace(0.5, 2, layer.in_features)
    x = torch.randn(2, 3, layer.in_features)
    masked = extension.module("nodes.host.applying.strength_strip")._PrunedLayer(
        torch.ones_like(layer.weight, dtype=torch.bool)
    )
    assert torch.allclose(masked(layer, x), layer(x) - layer.bias, atol=0.1 * layer(x).std())


@pytest.mark.parametrize("layout", [AWQ, ANOTHER_PACKS])
def test_a_form_that_cannot_be_written_is_refused(extension: Any, mask: Any, layout: str) -> None:
    model = read_only_unet(layout)
    apply = extension.module("nodes.host.applying.weight_patch").apply_neuron_mask
    with pytest.raises(ValueError, match=rf"model: {READ_ONLY_LAYER} is stored as {layout}.*fp16"):
        apply(model, mask, 1.0)


def test_integers_that_the_host_does_not_know_are_refused(extension: Any) -> None:
    """As some node packs hold int8 weights, with scales of their own."""
    model = tiny_denoiser()
    layer: Any = model.model.get_submodule(LAST)
    layer.weight = torch.nn.Parameter(layer.weight.to(torch.int8), requires_grad=False)
    with pytest.raises(ValueError, match="holds its weights packed"):
        extension.module("nodes.host.model.layers").find_ffn2_layers(model)
