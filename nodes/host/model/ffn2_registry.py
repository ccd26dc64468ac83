"""Where the model families of the host keep their second feed-forward layers (FFN2).

Their classes are known by full names and not imported, so a host that lacks a family loads.
A family counts by its model class exactly: a subclass may have other latents or conditionings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

import torch
from comfy.latent_formats import LatentFormat
from comfy.ops import CastWeightBiasOp


@dataclass(frozen=True)
class BlockFfn2:
    """How a class of blocks leads to its FFN2 layers.

    Attributes:
        block: full name of the blocks' class; a subclass will do.
        paths: attribute paths from a block to FFN2; what a block lacks is left out.
        part: of the denoiser that the blocks are in; empty for anywhere.
    """

    block: str
    paths: tuple[str, ...]
    part: str = ""


UNET_FFN2 = "net.2"
"""The path in the feed-forward blocks of UNets: net is [projection in, dropout, FFN2]."""

_UNET = BlockFfn2("comfy.ldm.modules.attention.FeedForward", (UNET_FFN2,))

# Blocks with separate streams for picture and text count with both: text tokens pass through them
# step by step together with the picture's, which attends to what their FFN2 makes of them. A UNet
# has no such stream; its text is fixed. Single blocks of Flux, Flux.2 and Chroma are left out: one
# linear layer is both attention's projection and the end of the feed-forward part.
_DOUBLE_STREAM = BlockFfn2(
    "comfy.ldm.flux.layers.DoubleStreamBlock",
    ("img_mlp.2", "txt_mlp.2", "img_mlp.down_proj", "txt_mlp.down_proj"),  # Ovis-Image: the latter
)

_FAMILIES = {
    "comfy.model_base.SD3": (
        BlockFfn2("comfy.ldm.modules.diffusionmodules.mmdit.DismantledBlock", ("mlp.fc2",)),
    ),
    "comfy.model_base.Flux": (_DOUBLE_STREAM,),
    "comfy.model_base.Chroma": (_DOUBLE_STREAM,),
    "comfy.model_base.PixArt": (
        BlockFfn2("comfy.ldm.pixart.pixartms.PixArtMSBlock", ("mlp.fc2",)),
    ),
    "comfy.model_base.Lumina2": (
        # Its refiners, blocks of the same class, see either picture or text: at the first step the
        # one is the same for all prompts, and the other is always the same for one prompt.
        BlockFfn2("comfy.ldm.lumina.model.JointTransformerBlock", ("feed_forward.w2",), "layers."),
    ),
    "comfy.model_base.QwenImage": (
        BlockFfn2(
            "comfy.ldm.qwen_image.model.QwenImageTransformerBlock",
            ("img_mlp.net.2", "txt_mlp.net.2"),
        ),
    ),
    "comfy.model_base.AuraFlow": (
        BlockFfn2("comfy.ldm.aura.mmdit.MMDiTBlock", ("mlpC.c_proj", "mlpX.c_proj")),
        BlockFfn2("comfy.ldm.aura.mmdit.DiTBlock", ("mlp.c_proj",)),
    ),
}

_LISTED = {*_FAMILIES, "comfy.model_base.SDXL"}
"""Classes whose models always have FFN2 layers, as the host builds them. That of SD 1.x and 2.x,
BaseModel, is left out: it has models without any."""

FAMILY_NAMES = "SD3, Flux, Chroma, PixArt, Lumina 2, Z-Image, Qwen-Image and AuraFlow"

_VIDEO = "it makes videos, and concepts are profiled on still pictures"
_SOUND = "it makes sound"
_SHAPES = "it makes solid shapes"
_REASONS = {
    "comfy.model_base.HunyuanImage21": (
        "its latents are smaller than a picture's width and height / 8, which was not tried"
    ),
    "comfy.model_base.QwenImage21": (
        "its feed-forward layers are not those of Qwen-Image, and were not tried"
    ),
    "comfy.model_base.MingImage": "its latents have a time axis, which was not tried",
    "comfy.model_base.ChromaRadiance": "it works on pixels, not on latents",
    "comfy.model_base.HiDream": (
        "its experts see tokens of many prompts in one row, so no prompt's share can be told"
    ),
    "comfy.model_base.StableCascade_B": "two models draw one after the other",
    "comfy.model_base.StableCascade_C": "two models draw one after the other",
    "comfy.model_base.WAN21": _VIDEO,
    "comfy.model_base.HunyuanVideo": _VIDEO,
    "comfy.model_base.LTXV": _VIDEO,
    "comfy.model_base.CosmosVideo": _VIDEO,
    "comfy.model_base.GenmoMochi": _VIDEO,
    "comfy.model_base.SVD_img2vid": _VIDEO,
    "comfy.model_base.CogVideoX": _VIDEO,
    "comfy.model_base.LTXAV": _VIDEO,
    "comfy.model_base.MiniMaxH3": _VIDEO,
    "comfy.model_base.StableAudio1": _SOUND,
    "comfy.model_base.StableAudio3": _SOUND,
    "comfy.model_base.ACEStep": _SOUND,
    "comfy.model_base.ACEStep15": _SOUND,
    "comfy.model_base.YuE2": _SOUND,
    "comfy.model_base.MiniMaxMusic3": _SOUND,
    "comfy.model_base.Hunyuan3Dv2": _SHAPES,
    "comfy.model_base.Hunyuan3Dv2_1": _SHAPES,
}

if hasattr(LatentFormat, "spacial_downscale_ratio"):
    _FAMILIES["comfy.model_base.Flux2"] = (_DOUBLE_STREAM,)
    FAMILY_NAMES = FAMILY_NAMES.replace("Flux,", "Flux, Flux.2,")
else:
    _REASONS["comfy.model_base.Flux2"] = (
        "this ComfyUI does not tell the size of its latents, a newer one does"
    )


def ffn2_of(model: type, denoiser: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Linear]]:
    """Name and layer of every FFN2 in a denoiser.

    Args:
        model: the host's model class, which holds the denoiser. One that is neither listed nor
            refused is searched as a UNet.
        denoiser: whose modules are searched; names are relative to it.
    """
    others = () if reason_without_ffn2(model) else (_UNET,)
    blocks = _FAMILIES.get(_host_class(model), others)
    for name, module in denoiser.named_modules():
        classes = _full_names(type(module))
        for block in blocks:
            if block.block not in classes or not name.startswith(block.part):
                continue
            for path in block.paths:
                layer = _submodule(module, path)
                if _is_linear(layer):
                    yield f"{name}.{path}", layer


def reason_without_ffn2(model: type) -> str | None:
    """Why the FFN2 layers of a model class cannot be profiled, where that is known."""
    reasons = (_REASONS.get(name) for name in _full_names(model))
    return next(filter(None, reasons), None)


def refusal(model: type, family: str) -> str:
    """What to say of a model in which no FFN2 was found, with the reason where that is known.

    Args:
        model: the host's model class, or one that another node pack has derived from it.
        family: the host's name of it.
    """
    if _host_class(model) in _LISTED:  # as the host builds it, it has some
        return (
            f"model: {family} is run by another node pack's own layers (Nunchaku's, for example), "
            "which cannot be watched or pruned. Load a file of it in fp16, bf16 or fp8 with Load "
            "Checkpoint or Load Diffusion Model."
        )
    reason = reason_without_ffn2(model) or "this extension knows none of its layers"
    return (
        f"model: {family} has no FFN2 layers (second linear layers of feed-forward blocks) that "
        f"can be profiled: {reason}. The paper covers UNets: use a Stable Diffusion 1.x, 2.x or XL "
        f"model. Beyond the paper, {FAMILY_NAMES} can be profiled, too."
    )


def _is_linear(layer: torch.nn.Module | None) -> TypeGuard[torch.nn.Linear]:
    """Also the host's layer of quantised weights, which is no torch.nn.Linear."""
    return isinstance(layer, torch.nn.Linear) or (
        isinstance(layer, CastWeightBiasOp) and hasattr(layer, "out_features")
    )


def _submodule(module: torch.nn.Module, path: str) -> torch.nn.Module | None:
    try:
        return module.get_submodule(path)
    except AttributeError:
        return None


def _host_class(model: type) -> str:
    """Full name of the host's own class, from which another pack may have derived this one."""
    return next((name for name in _full_names(model) if name.startswith("comfy.")), "")


def _full_names(kind: type) -> list[str]:
    """Of a class and all that it inherits from."""
    return [_full_name(base) for base in kind.__mro__]


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
