"""Diffusion transformers in the real host: profiled, masked, and refused with the reason."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import folder_paths
import pytest
import torch
from comfy import model_base, supported_models
from comfy.ldm.flux.model import FluxParams
from comfy.ldm.hunyuan_video.model import HunyuanVideoParams
from comfy.model_patcher import ModelPatcher
from comfy.sample import fix_empty_latent_channels
from comparison import assert_close_sensitivities
from graphs import (
    FORGET_INPUTS,
    QUICK,
    GraphError,
    Host,
    apply_node,
    fuse_node,
    node,
    picture_graph,
    profile_graph,
)
from masks_and_loras import drawn_mask
from plain_sampling import PIXELS, plain_sensitivities
from safetensors.torch import save_file
from tiny_families import FLUX_BLOCKS, Family, sizes_for
from tiny_model import TinyModel, tiny_description
from tiny_newer_families import FAMILIES
from tiny_quantised import FORMS, quantised_family

NEWER = {
    *("CogVideoX", "LTXAV", "MiniMaxH3", "StableAudio3", "ACEStep15", "MiniMaxMusic3"),
    *("LongCatImage", "Krea2", "MageFlow", "Anima", "ErnieImage", "Ideogram4", "Boogu"),
    *("JoyImage", "Lens", "Kandinsky5", "Kandinsky5Image", "ZImagePixelSpace", "PixelDiTT2I"),
    *("HiDreamO1", "SeedVR2", "TripoSplat", "Trellis2", "RT_DETR_v4", "DepthAnything3", "SAM3"),
    *("YuE2", "QwenImage21", "MingImage"),
}
"""Classes that 0.3.75 lacks; 0.33.0 lacks the last three."""

PREFIX = "diffusion_model."
ROUNDING = {"float": 1e-4, "fp8": 0.2, "int8 by rows": 0.4, "int8 rotated": 0.4}
"""How far a strip's row may be from a run of its own, of what the mask changes, squared: an applied
mask makes the host round quantised weights anew."""

FP8 = torch.float8_e4m3fn
HIDREAM = {
    "in_channels": 16,
    "num_layers": 1,
    "num_single_layers": 1,
    "attention_head_dim": 32,
    "num_attention_heads": 2,
    "caption_channels": [32, 32],
    "text_emb_dim": 32,
    "num_routed_experts": 2,
    "num_activated_experts": 1,
    "axes_dims_rope": (8, 12, 12),
    "max_resolution": (16, 16),
    "llama_layers": [0, 1],
    "patch_size": 2,
}


@pytest.fixture(scope="module", params=FAMILIES, ids=str)
def family(request: pytest.FixtureRequest, extension: Any) -> Family:
    return FAMILIES[request.param]


@pytest.fixture(scope="module")
def clip(family: Family) -> Any:
    return family.clip()


def profiling(host: Any, family: Family, model: Any, clip: Any, concepts: str) -> dict[str, Any]:
    """A graph that profiles as the family is used."""
    given = {**QUICK, "profile_steps": 2, "width": family.side, "height": family.side}
    return profile_graph(host, model, clip, concepts=concepts, cfg=family.cfg, **given)


def erasing(host: Any, family: Family, model: Any, clip: Any) -> dict[str, Any]:
    """From the concepts to a denoised latent ("sampler"), all of the four nodes in between."""
    graph = profiling(host, family, model, clip, "church\ncat") | picture_graph(["apply", 0])
    graph["sampler"]["inputs"]["cfg"] = family.cfg
    graph["latent"]["inputs"] |= {"width": family.side, "height": family.side}
    del graph["picture"]
    return {
        **graph,
        "fuse": fuse_node(),
        "apply": apply_node(mask="fuse"),
    }


def forget_graph(host: Host, model: Any, clip: Any, **inputs: Any) -> dict[str, Any]:
    """Forget LoRA ("node")."""
    given = {"model": ["model", 0], "clip": ["clip", 0], **FORGET_INPUTS}
    own = node("FIAForgetLora", **{**given, **inputs})
    return {"model": host.source(model), "clip": host.source(clip), "node": own}


def latent(host: Any, graph: dict[str, Any]) -> torch.Tensor:
    return host.run(graph, "sampler")[0]["samples"].clone()


def test_the_profile_is_that_of_sampling_one_prompt_at_a_time(
    host: Any, extension: Any, family: Family, clip: Any
) -> None:
    model = family.denoiser()
    host.forget()
    graph = profiling(host, family, model, clip, "golf ball")
    (profile,) = host.run(graph, "profile")
    assert set(profile.layers) == {PREFIX + name for name in family.layers}
    expected = plain_sensitivities(extension.module("fia_core"), model, clip, profile)
    assert_close_sensitivities(profile, expected)


def test_empty_latents_are_as_the_host_makes_them(extension: Any, family: Family) -> None:
    model = family.denoiser()
    empty = extension.module("nodes.host.denoising.denoise").empty_latent(model, 64, 128, rows=3)
    expected = fix_empty_latent_channels(model, torch.zeros(3, 4, 128 // 8, 64 // 8), *PIXELS)
    assert torch.equal(empty, expected)


def test_from_concepts_to_a_picture_and_back(host: Any, family: Family, clip: Any) -> None:
    model = family.denoiser()
    before = {name: weight.clone() for name, weight in model.model.state_dict().items()}
    host.forget()
    graph = erasing(host, family, model, clip)
    erased = latent(host, graph)
    (mask,) = host.run(graph, "fuse")
    assert set(mask.layers) == {PREFIX + name for name in family.layers}
    assert all(pruned.any() for pruned in mask.layers.values())

    masked = host.run(graph, "apply")[0]
    masked.patch_model()
    for name, weight in masked.model.state_dict().items():
        pruned = mask.layers.get(name.removesuffix(".weight"))
        expected = before[name] if pruned is None else before[name] * ~pruned
        assert torch.equal(weight, expected), name
    masked.unpatch_model()

    graph["apply"]["inputs"]["strength"] = 0.0
    untouched = latent(host, graph)
    graph["sampler"]["inputs"]["model"] = ["model", 0]
    plain = latent(host, graph)
    assert plain.isfinite().all()
    assert torch.equal(untouched, plain)
    assert not torch.equal(erased, plain)


@pytest.mark.parametrize("form", ["float", "fp8", "int8 by rows", "int8 rotated"])
def test_from_concepts_to_files_and_back(
    host: Host, family: Family, clip: Any, folder: Path, form: str
) -> None:
    if form == "float":
        model = family.denoiser()
    else:
        FORMS[form].require()
        model = quantised_family(FORMS[form], family)
    host.forget()
    graph = erasing(host, family, model, clip)
    erased = latent(host, graph)
    name = {"filename_prefix": "family"}
    graph["save"] = {
        "class_type": "FIASaveNeuronMask",
        "inputs": {"mask": ["fuse", 0], **name},
    }
    (file,) = host.run(graph, "save")
    graph["load"] = {"class_type": "FIALoadNeuronMask", "inputs": {"mask_file": file}}
    graph["apply"]["inputs"]["mask"] = ["load", 0]
    assert torch.equal(latent(host, graph), erased), "the file is the mask"

    graph["apply"]["inputs"]["strength"] = 0.0
    plain = latent(host, graph)
    graph["strip"] = {
        "class_type": "FIAStrengthStrip",
        "inputs": {
            "model": ["model", 0],
            "mask": ["load", 0],
            "latent": ["latent", 0],
            "strengths": "0, 1",
        },
    }
    sampler = graph["sampler"]["inputs"]
    sampler |= {"model": ["strip", 0], "latent_image": ["strip", 1]}
    effect = (erased - plain).square().mean()
    for row, single in zip(latent(host, graph), (plain, erased), strict=True):
        assert (row - single[0]).square().mean() < ROUNDING[form] * effect

    graph["lora"] = {
        "class_type": "FIASaveErasureLora",
        "inputs": {"model": ["model", 0], "mask": ["load", 0], "strength": 1.0, **name},
    }
    if form != "float":
        with pytest.raises(GraphError, match=r"model: .* holds quantised weights"):
            host.run(graph, "lora")
        return
    (file,) = host.run(graph, "lora")
    graph["loaded"] = {
        "class_type": "LoraLoaderModelOnly",
        "inputs": {"model": ["model", 0], "lora_name": file, "strength_model": 1.0},
    }
    sampler |= {"model": ["loaded", 0], "latent_image": ["latent", 0]}
    assert torch.equal(latent(host, graph), erased)


def test_each_row_of_a_text_is_a_token_of_it(extension: Any, clip: Any) -> None:
    """An encoder that reads from left to right changes the first other token's row first."""
    tokens_of = extension.module("nodes.host.forgetting.tokens").tokens_of
    said, rows = [], []
    for prompt in ("a church in a road", "a church in a city"):
        encoded = clip.encode_from_tokens(clip.tokenize(prompt), return_dict=True)
        adapted = encoded.get("t5xxl_ids")
        rows.append(encoded["cond"].flatten(0, -2) if adapted is None else adapted[:, None])
        said.append(tokens_of(clip, prompt, rows[-1]))
        assert len(said[-1]) == len(rows[-1]) and {"added", "none"}.isdisjoint(said[-1])
    changed = [place for place, both in enumerate(zip(*said, strict=True)) if len({*both}) == 2]
    assert int((rows[0] != rows[1]).any(-1).nonzero()[0]) in (0, changed[0])


def test_a_lora_makes_the_text_layers_forget(
    host: Host, extension: Any, family: Family, clip: Any
) -> None:
    """They answer to a concept's prompt more like to the prompt without it, and to nothing else."""
    model = family.denoiser()
    before = {name: weight.clone() for name, weight in model.model.state_dict().items()}
    captions = extension.module("nodes.host.forgetting.captions")
    tokens = extension.module("nodes.host.forgetting.tokens")
    layers = extension.module("nodes.host.model.layers").find_text_layers(model)
    prompts = ["a golf ball in a road", "a road", "a forest"]
    one, other, third = captions.read_captions(model, layers, clip, prompts, lambda _: None)
    read, wanted = tokens.pair(one, other, {*other.words} & {*third.words})
    graph = forget_graph(host, model, clip, concepts="golf ball", rank=8)
    lora = host.run(graph, "node", 1)[0]
    host.forget()

    def apart(changed: ModelPatcher) -> float:
        captions.read_captions(changed, layers, clip, ["a road"], lambda _: None)
        rows = torch.cat([read, wanted]).float()
        made = captions.written(changed, layers, clip, rows, read.dtype)
        halves = [both.chunk(2) for both in made.values()]
        return sum(float((one - other).square().sum()) for one, other in halves)

    names = extension.module("nodes.host.model.lora").lora_names(model)
    assert {name.split(".")[0] for name in lora} == {names[f"{name}.weight"] for name in layers}
    changed = host.run(graph, "node")[0]
    assert set(changed.patches) == {f"{name}.weight" for name in layers}
    assert apart(changed) < 0.9 * apart(model)
    for name, weight in model.model.state_dict().items():
        assert torch.equal(weight.view(torch.uint8), before[name].view(torch.uint8)), name


def test_a_layer_that_runs_in_parts_is_refused(host: Host, extension: Any) -> None:
    """As Kandinsky 5 does with pictures of more than 8,192 tokens."""
    family = FAMILIES.get("Kandinsky 5 Image")
    if family is None:
        pytest.skip("this host has no Kandinsky 5")
    model = family.denoiser()
    for block in model.model.diffusion_model.visual_transformer_blocks:
        block.feed_forward.forward = block.feed_forward._forward_chunked
    graph = profiling(host, family, model, family.clip(), "church")
    with pytest.raises(GraphError, match=r"model: .*out_layer ran for .* instead of.*lower width"):
        host.run(graph, "profile")


@pytest.mark.parametrize("dtype", [torch.bfloat16, FP8], ids=str)
def test_masked_weights_of_few_bits_are_zero_and_come_back(
    extension: Any, family: Family, dtype: torch.dtype
) -> None:
    model = family.denoiser(dtype)
    apply = extension.module("nodes.host.applying.weight_patch").apply_neuron_mask
    mask = drawn_mask(extension, model, share=0.5)
    before = {name: weight.clone() for name, weight in model.model.state_dict().items()}
    masked = apply(model, mask, 1.0)
    masked.patch_model()
    during = {name: weight.clone() for name, weight in masked.model.state_dict().items()}
    masked.unpatch_model()
    after = model.model.state_dict()
    for name, pruned in mask.layers.items():
        old, new = (state[f"{name}.weight"].float() for state in (before, during))
        assert not new[pruned].any()
        assert torch.allclose(new[~pruned], old[~pruned], rtol=torch.finfo(dtype).eps, atol=1e-2)
    for name, weight in before.items():
        assert torch.equal(after[name].view(torch.uint8), weight.view(torch.uint8)), name


@pytest.mark.parametrize(
    ("family", "unet", "reason"),
    [
        pytest.param(
            "Flux2",
            sizes_for(
                FluxParams,
                **{**FLUX_BLOCKS, "in_channels": 128},
                vec_in_dim=None,
                guidance_embed=True,
            ),
            "this ComfyUI does not tell the size of its latents",
            marks=pytest.mark.skipif("Flux.2" in FAMILIES, reason="this host tells it"),
        ),
        (
            "HunyuanVideo",  # made of blocks that Flux has, too
            sizes_for(
                HunyuanVideoParams,
                **{**FLUX_BLOCKS, "patch_size": [1, 2, 2]},
                vec_in_dim=8,
                byt5=False,
                meanflow=False,
                use_cond_type_embedding=False,
                vision_in_dim=None,
                guidance_embed=True,
            ),
            "it makes videos",
        ),
        ("WAN21_T2V", {"model_type": "t2v"}, "it makes videos"),
        ("HiDream", HIDREAM, "no prompt's share can be told"),
        ("HunyuanDiT", {"depth": 1}, "two masks of its text"),
    ],
)
def test_other_families_are_refused_with_name_and_reason(
    host: Any, tiny: TinyModel, family: str, unet: dict[str, Any], reason: str
) -> None:
    meta = torch.device("meta")
    model = getattr(supported_models, family)({**unet, "dtype": torch.float32}).get_model(
        {}, device=meta
    )
    graph = profile_graph(host, ModelPatcher(model, meta, meta), tiny.clip)
    with pytest.raises(GraphError) as error:
        host.run(graph, "profile")
    message = str(error.value)
    assert f"model: {family} has no FFN2 layers" in message
    assert reason in message
    assert "paper covers UNets" in message


class ForeignLayer(torch.nn.Module):
    """As another node pack has it: no linear layer, its weights in a form of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.qweight = torch.nn.Parameter(torch.zeros(4, 4, dtype=torch.int8), requires_grad=False)

    def forward(self, x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return torch.zeros_like(x)


def replace_network(model: ModelPatcher) -> None:
    """The whole denoiser, as Nunchaku does for Flux and SDXL."""
    model.model.diffusion_model = ForeignLayer()


def replace_blocks_parts(model: ModelPatcher) -> None:
    """The host's denoiser with other feed-forward parts, as Nunchaku does for Z-Image."""
    for block in model.model.diffusion_model.layers:
        block.feed_forward.w2 = ForeignLayer()


def derive_the_class(model: ModelPatcher) -> None:
    """The denoiser and the model's class, as Nunchaku does for Qwen-Image."""
    replace_network(model)
    model.model.__class__ = type("Foreign", (type(model.model),), {"__module__": "pack"})


@pytest.mark.parametrize(
    ("name", "replace", "config"),
    [
        ("Flux", replace_network, "Flux"),
        ("Z-Image", replace_blocks_parts, "ZImage"),
        ("Qwen-Image", derive_the_class, "QwenImage"),
    ],
)
def test_layers_of_another_pack_are_told_from_a_family_without_ffn2(
    host: Any, tiny: TinyModel, name: str, replace: Callable[[ModelPatcher], None], config: str
) -> None:
    model = FAMILIES[name].denoiser()
    replace(model)
    with pytest.raises(GraphError) as error:
        host.run(profile_graph(host, model, tiny.clip), "profile")
    message = str(error.value)
    assert f"model: {config} is run by another node pack's own layers" in message
    assert "Load Checkpoint or Load Diffusion Model" in message
    assert "has no FFN2 layers" not in message


def test_a_class_that_another_pack_derives_is_its_family(extension: Any) -> None:
    """Where it runs the host's own layers."""
    model = FAMILIES["Flux"].denoiser()
    model.model.__class__ = type("Derived", (type(model.model),), {"__module__": "pack"})
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(model)
    assert {name.removeprefix("diffusion_model.") for name in layers} == FAMILIES["Flux"].layers


def test_an_sdxl_of_another_pack_is_told_too(host: Any, tiny_sdxl: TinyModel) -> None:
    model = tiny_sdxl.model.clone()
    model.add_object_patch("diffusion_model", ForeignLayer())
    with pytest.raises(GraphError, match="model: SDXL is run by another node pack's own layers"):
        host.run(profile_graph(host, model, tiny_sdxl.clip), "profile")


def test_the_table_names_classes_of_the_host(extension: Any) -> None:
    table = extension.module("nodes.host.model.families")
    assert {*table._FAMILIES, *table._REASONS} >= NEWER
    families = [
        family
        for name, family in table._FAMILIES.items()
        if name not in NEWER or hasattr(model_base, name)
    ]
    blocks = {block.name for family in (*families, table._UNET) for block in family.blocks}
    for name in blocks:
        module, _, kind = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(f"comfy.ldm.{module}"), kind), type)
    for name in {*table._LISTED, *table._REASONS} - NEWER:
        assert isinstance(getattr(model_base, name), type)


def test_every_model_of_the_host_is_listed_or_refused(extension: Any) -> None:
    """UNets are neither."""
    table = extension.module("nodes.host.model.families")
    unets = {"BaseModel", "SDXL", "SDXLRefiner", "SD21UNCLIP", "Lotus", "SD_X4Upscaler"}
    unets |= {"Stable_Zero123", "SD15_instructpix2pix", "SDXL_instructpix2pix"}
    for name, kind in vars(model_base).items():
        if isinstance(kind, type) and issubclass(kind, model_base.BaseModel):
            known = name in table._FAMILIES or table.reason_without_ffn2(kind)
            assert known or name in unets, name


def test_a_word_that_the_encoder_is_always_told_is_known(host: Any) -> None:
    family = FAMILIES["Z-Image"]
    graph = profiling(host, family, family.denoiser(), family.clip(), "user")
    assert host.run(graph, "profile"), "its encoder's template begins with this word"


def test_a_video_unet_is_refused_though_it_has_no_text_encoder_either(host: Any) -> None:
    """Its blocks are those of a UNet for pictures."""
    meta = torch.device("meta")
    config = tiny_description(
        family=supported_models.SVD_img2vid,
        use_temporal_attention=True,
        use_temporal_resblock=True,
        extra_ff_mix_layer=True,
        use_spatial_context=True,
        merge_strategy="learned_with_images",
        merge_factor=0.0,
        video_kernel_size=[3, 1, 1],
    )
    model = ModelPatcher(config.get_model({}, device=meta), meta, meta)
    with pytest.raises(GraphError, match=r"SVD_img2vid has no FFN2 layers.*it makes videos"):
        host.run(profile_graph(host, model, None), "profile")


def test_the_architecture_of_a_transformers_file_is_not_told(
    extension: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = FAMILIES["Qwen-Image"].denoiser().model.diffusion_model.state_dict()
    assert any(name.endswith(".net.2.weight") for name in state), "as in a UNet"
    save_file(state, tmp_path / "qwen.safetensors")
    monkeypatch.setitem(
        folder_paths.folder_names_and_paths, "diffusion_models", ([str(tmp_path)], {".safetensors"})
    )
    tell = extension.module("nodes.host.model.model_files").architecture_of_loader
    assert tell("UNETLoader", "qwen.safetensors") is None
