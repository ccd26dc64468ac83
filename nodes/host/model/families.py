"""What is known of the host's model families: where they keep their second feed-forward layers
(FFN2), and which layers read the text of a prompt.

Their classes are known by name and not imported, so a host that lacks a family loads.
A family counts by its model class exactly: a subclass may have other latents or conditionings.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeGuard

import comfy.model_base
import torch
from comfy.latent_formats import LatentFormat
from comfy.ops import CastWeightBiasOp

NEWEST_HOST = "0.33.0"
"""The newest ComfyUI whose models were looked at, all of them."""

_TELLS_SIZE = hasattr(LatentFormat, "spacial_downscale_ratio")
"""Whether the host tells how many pixels a latent is wide; most are of 8, and old hosts know no
others."""


@dataclass(frozen=True)
class Block:
    """How a class of blocks leads to its layers.

    Attributes:
        name: of the blocks' class, below ``comfy.ldm``; a subclass will do.
        ffn2: attribute paths from a block to FFN2; what a block lacks is left out.
        text: likewise, to the layers that read the text, where each block reads it by itself.
        part: of the denoiser that the blocks are in; empty for anywhere.
        blind: a block whose FFN2 reads what no text has reached, and so is left out.
    """

    name: str
    ffn2: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    part: str = ""
    blind: str = ""


@dataclass(frozen=True)
class Family:
    """A family of models.

    Attributes:
        name: as people call it.
        blocks: of its denoiser.
        caption: path to the layer that reads the text for all blocks, the last of several; empty
            where each block reads it by itself.
        sized: its latents are of other than 8 pixels.
    """

    name: str
    blocks: tuple[Block, ...]
    caption: str = ""
    sized: bool = False


UNET_FFN2 = "net.2"
"""The path in the feed-forward blocks of UNets: net is [projection in, dropout, FFN2]."""


_UNET = Family(
    "Stable Diffusion",
    (
        Block("modules.attention.FeedForward", (UNET_FFN2,)),
        Block("modules.attention.BasicTransformerBlock", text=("attn2.to_k", "attn2.to_v")),
    ),
)

# Blocks with separate streams for picture and text count with both: text tokens pass through them
# step by step together with the picture's, which attends to what their FFN2 makes of them. A UNet
# has no such stream; its text is fixed. Single blocks of Flux, Flux.2 and Chroma have no FFN2: one
# linear layer is both attention's projection and the end of the feed-forward part.
_FLUX = Block(
    "flux.layers.DoubleStreamBlock",
    ("img_mlp.2", "txt_mlp.2", "img_mlp.down_proj", "txt_mlp.down_proj"),  # Ovis-Image: the latter
)

_QWEN = Block(
    "qwen_image.model.QwenImageTransformerBlock",
    ("img_mlp.net.2", "txt_mlp.net.2"),
)
_COSMOS = Block(
    "cosmos.predict2.Block", ("mlp.layer2",), ("cross_attn.k_proj", "cross_attn.v_proj")
)
_OMNIGEN = Block(
    "omnigen.omnigen2.OmniGen2TransformerBlock",
    ("feed_forward.linear_2",),
    part="layers.",
)

# Refiners, blocks of the same class in other parts of a denoiser, see either picture or text: at
# the first step the one is the same for all prompts, and the other is always the same for one
# prompt.
_FAMILIES = {
    "SD3": Family(
        "SD3",
        (Block("modules.diffusionmodules.mmdit.DismantledBlock", ("mlp.fc2",)),),
        "context_embedder",
    ),
    "Flux": Family("Flux", (_FLUX,), "txt_in"),
    "Flux2": Family("Flux.2", (_FLUX,), "txt_in", sized=True),
    "LongCatImage": Family("LongCat-Image", (_FLUX,), "txt_in"),
    "Chroma": Family("Chroma", (_FLUX,), "txt_in"),
    "HunyuanImage21": Family("HunyuanImage 2.1", (_FLUX,), "txt_in.input_embedder", sized=True),
    "PixArt": Family(
        "PixArt",
        (Block("pixart.pixartms.PixArtMSBlock", ("mlp.fc2",)),),
        "y_embedder.y_proj.fc2",
    ),
    "Lumina2": Family(
        "Lumina 2, Z-Image",
        (
            Block(
                "lumina.model.JointTransformerBlock",
                ("feed_forward.w2",),
                part="layers.",
            ),
        ),
        "cap_embedder.1",
    ),
    "Krea2": Family(
        "Krea 2",
        (Block("krea2.model.SingleStreamBlock", ("mlp.down",)),),
        "txtmlp.3",
    ),
    "QwenImage": Family("Qwen-Image", (_QWEN,), "txt_in"),
    "QwenImage21": Family(
        "Qwen-Image 2.1",
        (
            Block(
                "qwen_image21.model.QwenImage21TransformerBlock",
                ("img_mlp.out",),
            ),
        ),
        "txt_in.out_layer",
        sized=True,
    ),
    "MageFlow": Family("MageFlow", (_QWEN,), "txt_in", sized=True),
    "AuraFlow": Family(
        "AuraFlow",
        (
            Block("aura.mmdit.MMDiTBlock", ("mlpC.c_proj", "mlpX.c_proj")),
            Block("aura.mmdit.DiTBlock", ("mlp.c_proj",)),
        ),
        "cond_seq_linear",
    ),
    "CosmosPredict2": Family("Cosmos Predict 2", (_COSMOS,)),
    "Anima": Family("Anima", (_COSMOS,)),
    "ErnieImage": Family(
        "ERNIE-Image",
        (
            Block(
                "ernie.model.ErnieImageSharedAdaLNBlock",
                ("mlp.linear_fc2",),
            ),
        ),
        "text_proj",
        sized=True,
    ),
    "Ideogram4": Family(
        "Ideogram 4",
        (
            Block(
                "ideogram4.model.Ideogram4TransformerBlock",
                ("feed_forward.w2",),
            ),
        ),
        "llm_cond_proj",
        sized=True,
    ),
    "Omnigen2": Family("OmniGen 2", (_OMNIGEN,), "time_caption_embed.caption_embedder.1"),
    "Boogu": Family(
        "Boogu",
        (
            Block(
                "boogu.model.BooguDoubleStreamBlock",
                ("img_feed_forward.linear_2", "instruct_feed_forward.linear_2"),
                # the picture's own; to_out.0, which follows, is the text's, too
                blind="double_stream_layers.0",  # its FFN2 reads what was before its attention
            ),
            replace(_OMNIGEN, part="single_stream_layers."),
        ),
        "time_caption_embed.caption_embedder.1",
    ),
    "JoyImage": Family(
        "JoyImage",
        (
            Block(
                "joyimage.model.JoyImageTransformerBlock",
                ("img_mlp.net.2", "txt_mlp.net.2"),
            ),
        ),
        "condition_embedder.text_embedder.linear_2",
    ),
    "Lens": Family(
        "Lens",
        (
            Block(
                "lens.model.LensTransformerBlock",
                ("img_mlp.w2", "txt_mlp.w2"),
            ),
        ),
        "txt_in",
        sized=True,
    ),
    "Kandinsky5Image": Family(
        "Kandinsky 5 Image",
        (
            Block(
                "kandinsky5.model.TransformerDecoderBlock",
                ("feed_forward.out_layer",),
            ),
        ),
        "text_embeddings.in_layer",
    ),
}
"""By the name of the host's model class, below ``comfy.model_base``."""

_LISTED = {*_FAMILIES, "SDXL"}
"""Classes whose models always have FFN2 layers, as the host builds them. That of SD 1.x and 2.x,
BaseModel, is left out: it has models without any."""

FAMILY_NAMES = ", ".join(
    family.name
    for kind, family in _FAMILIES.items()
    if hasattr(comfy.model_base, kind) and (_TELLS_SIZE or not family.sized)
)
"""Beside UNets, of this host."""

_SIZE = "this ComfyUI does not tell the size of its latents, a newer one does"
_PIXELS = "it works on pixels, not on latents"
_VIDEO = "it makes videos, and concepts are profiled on still pictures"
_SOUND = "it makes sound"
_SHAPES = "it makes solid shapes"
_SEES = "it looks at pictures and draws none"
_REASONS = {
    "HunyuanDiT": "it is told of two masks of its text, which was not tried",
    "HunyuanImage21Refiner": "it draws over another model's picture and not from noise",
    "MingImage": "its latents have a time axis, which was not tried",
    "ChromaRadiance": _PIXELS,
    "ZImagePixelSpace": _PIXELS,
    "PixelDiTT2I": _PIXELS,
    "HiDreamO1": f"{_PIXELS}, and reads the words by itself",
    "HiDream": (
        "its experts see tokens of many prompts in one row, so no prompt's share can be told"
    ),
    "StableCascade_B": "two models draw one after the other",
    "StableCascade_C": "two models draw one after the other",
    "WAN21": _VIDEO,
    "HunyuanVideo": _VIDEO,
    "LTXV": _VIDEO,
    "CosmosVideo": _VIDEO,
    "GenmoMochi": _VIDEO,
    "SVD_img2vid": _VIDEO,
    "CogVideoX": _VIDEO,
    "LTXAV": _VIDEO,
    "MiniMaxH3": _VIDEO,
    "Kandinsky5": _VIDEO,
    "SeedVR2": _VIDEO,
    "StableAudio1": _SOUND,
    "StableAudio3": _SOUND,
    "ACEStep": _SOUND,
    "ACEStep15": _SOUND,
    "YuE2": _SOUND,
    "MiniMaxMusic3": _SOUND,
    "Hunyuan3Dv2": _SHAPES,
    "Hunyuan3Dv2_1": _SHAPES,
    "TripoSplat": _SHAPES,
    "Trellis2": _SHAPES,
    "RT_DETR_v4": _SEES,
    "DepthAnything3": _SEES,
    "SAM3": _SEES,
}
"""Why the host's other model classes, and those derived from them, cannot be profiled."""


def ffn2_of(model: type, denoiser: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Linear]]:
    """Name and layer of every FFN2 in a denoiser.

    Args:
        model: the host's model class, which holds the denoiser. One that is neither listed nor
            refused is searched as a UNet.
        denoiser: whose modules are searched; names are relative to it.
    """
    for name, module, block in _blocks(model, denoiser):
        for path in block.ffn2 if name != block.blind else ():
            layer = _submodule(module, path)
            if _is_linear(layer):
                yield f"{name}.{path}", layer


def text_layers_of(model: type, denoiser: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Linear]]:
    """Name and layer of every layer that reads the text of a prompt, and nothing else; all of a
    denoiser read the same.

    Args:
        model, denoiser: as for ``ffn2_of``.
    """
    family = _family(model)
    if family and family.caption:
        paths = [family.caption]
    else:
        blocks = _blocks(model, denoiser)
        paths = [f"{name}.{path}" for name, _, block in blocks for path in block.text]
    for path in paths:
        layer = _submodule(denoiser, path)
        if _is_linear(layer):
            yield path, layer


def reason_without_ffn2(model: type) -> str | None:
    """Why the FFN2 layers of a model class cannot be profiled; None where they can.

    A class that is neither listed nor refused may be a UNet's.
    """
    listed = _FAMILIES.get(_host_class(model))
    if listed:
        return _SIZE if listed.sized and not _TELLS_SIZE else None
    reasons = (_REASONS.get(name) for name in _host_classes(model))
    return next(filter(None, reasons), None)


def refusal(model: type, family: str) -> str:
    """What to say of a model in which no FFN2 was found, with the reason where that is known.

    Args:
        model: the host's model class, or one that another node pack has derived from it.
        family: the host's name of it.
    """
    reason = reason_without_ffn2(model)
    if reason is None and _host_class(model) in _LISTED:  # as the host builds it, it has some
        return (
            f"model: {family} is run by another node pack's own layers (Nunchaku's, for example), "
            "which cannot be watched or pruned. Load a file of it in fp16, bf16 or fp8 with Load "
            "Checkpoint or Load Diffusion Model."
        )
    reason = reason or (
        "this extension knows none of its layers; it knows the models of ComfyUI up to "
        f"{NEWEST_HOST}"
    )
    return (
        f"model: {family} has no FFN2 layers (second linear layers of feed-forward blocks) that "
        f"can be profiled: {reason}. The paper covers UNets: use a Stable Diffusion 1.x, 2.x or XL "
        f"model. Beyond the paper, these can be profiled, too: {FAMILY_NAMES}."
    )


def _family(model: type) -> Family | None:
    if reason_without_ffn2(model):
        return None
    return _FAMILIES.get(_host_class(model), _UNET)


def _blocks(model: type, denoiser: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module, Block]]:
    """Name and module of every block of a family's denoiser, and how it leads to its layers."""
    family = _family(model)
    if family is None:
        return
    for name, module in denoiser.named_modules():
        classes = _full_names(type(module))
        for block in family.blocks:
            if f"comfy.ldm.{block.name}" in classes and name.startswith(block.part):
                yield name, module, block


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
    """Name of the host's own class, from which another pack may have derived this one."""
    return next(_host_classes(model), "")


def _host_classes(model: type) -> Iterator[str]:
    """Names of a class and all that it inherits from, those of the host's models."""
    prefix = "comfy.model_base."
    return (name.removeprefix(prefix) for name in _full_names(model) if name.startswith(prefix))


def _full_names(kind: type) -> list[str]:
    """Of a class and all that it inherits from."""
    return [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]
