"""A masked model in every company: the picture is that of a model whose weights are 0 themselves.

The other model never met this extension's patch: its FFN2 weights were multiplied by hand, and the
same nodes stand around it. Pictures must agree bit for bit, and differ from those without a mask.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

import comfy.model_management
import folder_paths
import pytest
import torch
from comfy.cldm.cldm import ControlNet as ControlNetModel
from comfy.controlnet import ControlNet
from comfy.model_patcher import ModelPatcher
from compositions import (
    Change,
    Link,
    Trio,
    apply,
    by_hand,
    draw_with,
    random_mask,
    require_equal_pictures,
)
from graphs import Graph, apply_node, draw
from masks_and_loras import with_lora
from tiny_model import TEXT_WIDTH, UNET, TinyModel, randomise, tiny_denoiser, tiny_sd

import nodes

EXTRAS = (
    "nodes_freelunch",
    "nodes_hypernetwork",
    "nodes_attention_multiply",
    "nodes_pag",
)
HYPERNETWORK = "tiny.pt"


@pytest.fixture(scope="module")
def tiny(extension: Any) -> TinyModel:
    """A model that no other test touches; the host's extra nodes are loaded beside it."""
    import comfy_extras

    folder = next(iter(comfy_extras.__path__))
    for name in EXTRAS:
        path = os.path.join(folder, f"{name}.py")
        if os.path.exists(path):  # later hosts have moved some
            asyncio.run(nodes.load_custom_node(path, module_parent="comfy_extras"))
    return tiny_sd()


@pytest.fixture(scope="module")
def mask(extension: Any, tiny: TinyModel) -> Any:
    return random_mask(extension, tiny.model, seed=0)


@pytest.fixture
def trio(extension: Any, tiny: TinyModel, mask: Any) -> Trio:
    return Trio(tiny.model, apply(extension, tiny.model, mask), by_hand(mask))


def node(kind: str, **inputs: Any) -> Change:
    """A node of the host behind the model."""

    def add(graph: Graph, link: Link) -> Link:
        graph[kind] = {"class_type": kind, "inputs": {"model": link, **inputs}}
        return [kind, 0]

    return add


def sampled(sampler: str, scheduler: str) -> Change:
    def add(graph: Graph, link: Link) -> Link:
        graph["sampler"]["inputs"] |= {"sampler_name": sampler, "scheduler": scheduler}
        return link

    return add


def hires_fix(graph: Graph, link: Link) -> Link:
    """A second pass over the first one's latent, one and a half times as large."""
    graph["larger"] = {
        "class_type": "LatentUpscaleBy",
        "inputs": {"samples": ["sampler", 0], "upscale_method": "bilinear", "scale_by": 1.5},
    }
    again = {"model": link, "latent_image": ["larger", 0], "denoise": 0.5}
    graph["second"] = graph["sampler"] | {"inputs": graph["sampler"]["inputs"] | again}
    graph["picture"]["inputs"]["samples"] = ["second", 0]
    return link


ATTENTION = {"q": 1.2, "k": 0.9, "v": 1.1, "out": 0.8}
COMPOSITIONS: dict[str, Change] = {
    "FreeU": node("FreeU_V2", b1=1.3, b2=1.4, s1=0.9, s2=0.2),
    "hypernetwork": node("HypernetworkLoader", hypernetwork_name=HYPERNETWORK, strength=0.7),
    "self-attention multiplied": node("UNetSelfAttentionMultiply", **ATTENTION),
    "cross-attention multiplied": node("UNetCrossAttentionMultiply", **ATTENTION),
    "perturbed attention guidance": node("PerturbedAttentionGuidance", scale=3.0),
}
SAMPLINGS: dict[str, Change] = {
    "hires fix": hires_fix,
    "dpmpp_2m karras": sampled("dpmpp_2m", "karras"),
    "euler_ancestral": sampled("euler_ancestral", "exponential"),
    "uni_pc": sampled("uni_pc", "sgm_uniform"),
}


@pytest.fixture(scope="module", autouse=True)
def hypernetwork(extension: Any) -> None:
    """A small hypernetwork on every attention whose text is as wide as the tiny model's."""
    generator = torch.Generator().manual_seed(3)
    layer = {
        "linear.0.weight": 0.3 * torch.randn(TEXT_WIDTH, TEXT_WIDTH, generator=generator),
        "linear.0.bias": torch.zeros(TEXT_WIDTH),
    }
    folder = Path(folder_paths.get_folder_paths("hypernetworks")[0])
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"activation_func": "linear", TEXT_WIDTH: [layer, layer]}, folder / HYPERNETWORK)


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_another_node_behind_the_mask(host: Any, tiny: TinyModel, trio: Trio, name: str) -> None:
    require_equal_pictures(host, tiny, trio, COMPOSITIONS[name])


@pytest.mark.parametrize("name", ["FreeU", "hypernetwork", "perturbed attention guidance"])
def test_the_mask_behind_another_node(
    host: Any, extension: Any, tiny: TinyModel, mask: Any, trio: Trio, name: str
) -> None:
    def apply_behind(graph: Graph, link: Link) -> Link:
        graph["mask"] = host.source(mask)
        before, _ = COMPOSITIONS[name](graph, link)
        graph["apply"] = apply_node(before)
        return ["apply", 0]

    masked = draw_with(host, tiny, trio.plain, apply_behind)
    assert torch.equal(masked, draw_with(host, tiny, trio.by_hand, COMPOSITIONS[name]))


@pytest.mark.parametrize("name", SAMPLINGS)
def test_other_ways_to_sample(host: Any, tiny: TinyModel, trio: Trio, name: str) -> None:
    require_equal_pictures(host, tiny, trio, SAMPLINGS[name])


def test_controlnet(host: Any, tiny: TinyModel, trio: Trio) -> None:
    sizes = {name: UNET[name] for name in UNET if name not in ("out_channels", "num_res_blocks")}
    model = ControlNetModel(hint_channels=3, num_res_blocks=[1, 1], **sizes)
    randomise(model, seed=4)
    control = ControlNet(model, load_device=comfy.model_management.get_torch_device())
    picture = torch.rand((1, 64, 64, 3), generator=torch.Generator().manual_seed(0))

    def controlled(graph: Graph, link: Link) -> Link:
        graph["net"], graph["hint"] = host.source(control), host.source(picture)
        inputs = {
            "positive": ["positive", 0],
            "negative": ["negative", 0],
            "control_net": ["net", 0],
            "image": ["hint", 0],
            "strength": 0.8,
            "start_percent": 0.0,
            "end_percent": 1.0,
        }
        graph["control"] = {"class_type": "ControlNetApplyAdvanced", "inputs": inputs}
        graph["sampler"]["inputs"] |= {"positive": ["control", 0], "negative": ["control", 1]}
        return link

    require_equal_pictures(host, tiny, trio, controlled)
    free = draw(host, tiny, trio.masked)
    assert not torch.equal(free, draw_with(host, tiny, trio.masked, controlled))


def test_attention_patches_as_ip_adapters_put_them(host: Any, tiny: TinyModel, trio: Trio) -> None:
    def adapted(model: ModelPatcher) -> ModelPatcher:
        clone = model.clone()
        clone.set_model_attn2_patch(lambda q, k, v, options: (q, k, v * 1.5))
        clone.set_model_attn2_output_patch(lambda out, options: out * 0.9)
        return clone

    both = Trio(*map(adapted, (trio.plain, trio.masked, trio.by_hand)))
    require_equal_pictures(host, tiny, both, lambda graph, link: link)


def test_a_lora_before_and_after_the_mask(
    host: Any, extension: Any, tiny: TinyModel, mask: Any, trio: Trio
) -> None:
    after = Trio(*map(with_lora, (trio.plain, trio.masked, trio.by_hand)))
    require_equal_pictures(host, tiny, after, lambda graph, link: link)

    loaded = with_lora(tiny_denoiser())
    loaded.patch_model()
    weights = {name: value.clone() for name, value in loaded.model.state_dict().items()}
    loaded.unpatch_model()
    changed = tiny_denoiser()
    changed.model.load_state_dict(weights)
    for name, pruned in mask.layers.items():
        changed.model.state_dict()[f"{name}.weight"].masked_fill_(pruned, 0)
    plain = with_lora(tiny.model)
    before = Trio(plain, apply(extension, plain, mask), changed)
    require_equal_pictures(host, tiny, before, lambda graph, link: link)
