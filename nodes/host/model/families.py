"""What is known of the host's model families: where they keep their second feed-forward layers
(FFN2), and where the text enters the picture.

Their classes are known by name and not imported, so a host that lacks a family loads.
A family counts by its model class exactly: a subclass may have other latents or conditionings.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from math import ceil
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


class Kind(Enum):
    """How text reaches the picture in a layer."""

    CROSS_ATTENTION = "cross-attention"
    DOUBLE_STREAM = "double stream"
    """Joint attention of text and picture, each with an output projection of its own."""

    SINGLE_STREAM = "single stream"
    """Joint attention with one output projection for both."""


class Picture(Enum):
    """Which of the tokens that a layer reads are the picture's."""

    ALL = "all"
    LAST = "last"
    """After the text. Pictures to edit by, where there are any, lie beside the picture's."""

    FIRST = "first"


@dataclass(frozen=True)
class Entry:
    """The layer of a block through which text reaches the picture.

    Attributes:
        path: from the block to the output projection of attention.
        kind, picture: as they say.
        side: latents that a token of the picture is wide and high; 0 where that does not matter.
        shared: the layer is the end of the feed-forward part, too. What attention has made is the
            first of its input's channels, as many as its output has.
    """

    path: str
    kind: Kind
    picture: Picture = Picture.ALL
    side: int = 0
    shared: bool = False


@dataclass(frozen=True)
class Block:
    """How a class of blocks leads to its layers.

    Attributes:
        name: of the blocks' class, below ``comfy.ldm``; a subclass will do.
        ffn2: attribute paths from a block to FFN2; what a block lacks is left out.
        entry: where the text enters the picture, if it does.
        part: of the denoiser that the blocks are in; empty for anywhere.
        blind: a block whose FFN2 reads what no text has reached, and so is left out.
    """

    name: str
    ffn2: tuple[str, ...] = ()
    entry: Entry | None = None
    part: str = ""
    blind: str = ""


@dataclass(frozen=True)
class Family:
    """A family of models.

    Attributes:
        name: as people call it.
        blocks: of its denoiser.
        caption: path to the layer that reads the caption alone, and writes what all blocks read of
            it; the last of several; empty where each block reads the caption by itself.
        sized: its latents are of other than 8 pixels.
    """

    name: str
    blocks: tuple[Block, ...]
    caption: str = ""
    sized: bool = False


@dataclass(frozen=True)
class TextEntry:
    """A layer through which text reaches the picture.

    Attributes:
        name: relative to the denoiser.
        layer: the linear layer.
        entry: what it reads.
        channels: of its input, the first ones, that attention has made.
        filled: to a multiple of so many the picture's tokens are filled up, behind them.
    """

    name: str
    layer: torch.nn.Linear
    entry: Entry
    channels: int
    filled: int = 1

    def picture(self, tokens: int, height: int, width: int) -> slice:
        """Which of the layer's ``tokens`` are those of a picture of ``height`` × ``width`` latents,
        when a prompt is all that the model is given."""
        if self.entry.picture is Picture.ALL:
            return slice(0, tokens)
        side = self.entry.side
        count = ceil(height / side) * ceil(width / side)
        first = self.entry.picture is Picture.FIRST
        start = 0 if first else tokens - ceil(count / self.filled) * self.filled
        return slice(start, start + count)


UNET_FFN2 = "net.2"
"""The path in the feed-forward blocks of UNets: net is [projection in, dropout, FFN2]."""


def _cross(path: str) -> Entry:
    return Entry(path, Kind.CROSS_ATTENTION)


def _double(path: str) -> Entry:
    return Entry(path, Kind.DOUBLE_STREAM)


def _single(path: str, side: int, picture: Picture = Picture.LAST, shared: bool = False) -> Entry:
    return Entry(path, Kind.SINGLE_STREAM, picture, side, shared)


_UNET = Family(
    "Stable Diffusion",
    (
        Block("modules.attention.FeedForward", (UNET_FFN2,)),
        Block("modules.attention.BasicTransformerBlock", entry=_cross("attn2.to_out.0")),
    ),
)

# Blocks with separate streams for picture and text count with both: text tokens pass through them
# step by step together with the picture's, which attends to what their FFN2 makes of them. A UNet
# has no such stream; its text is fixed. Single blocks of Flux, Flux.2 and Chroma have no FFN2: one
# linear layer is both attention's projection and the end of the feed-forward part.
_FLUX_DOUBLE = Block(
    "flux.layers.DoubleStreamBlock",
    ("img_mlp.2", "txt_mlp.2", "img_mlp.down_proj", "txt_mlp.down_proj"),  # Ovis-Image: the latter
    _double("img_attn.proj"),
)
_FLUX_SINGLE = "flux.layers.SingleStreamBlock"
_FLUX = (_FLUX_DOUBLE, Block(_FLUX_SINGLE, entry=_single("linear2", 2, shared=True)))
_FLUX_OF_16 = (_FLUX_DOUBLE, Block(_FLUX_SINGLE, entry=_single("linear2", 1, shared=True)))

_MMDIT = "modules.diffusionmodules.mmdit"
_QWEN = Block(
    "qwen_image.model.QwenImageTransformerBlock",
    ("img_mlp.net.2", "txt_mlp.net.2"),
    _double("attn.to_out.0"),
)
_COSMOS = Block("cosmos.predict2.Block", ("mlp.layer2",), _cross("cross_attn.output_proj"))
_OMNIGEN = Block(
    "omnigen.omnigen2.OmniGen2TransformerBlock",
    ("feed_forward.linear_2",),
    _single("attn.to_out.0", 2),
    "layers.",
)

# Refiners, blocks of the same class in other parts of a denoiser, see either picture or text: at
# the first step the one is the same for all prompts, and the other is always the same for one
# prompt.
_FAMILIES = {
    "SD3": Family(
        "SD3",
        (
            Block(f"{_MMDIT}.DismantledBlock", ("mlp.fc2",)),
            Block(f"{_MMDIT}.JointBlock", entry=_double("x_block.attn.proj")),
        ),
        "context_embedder",
    ),
    "Flux": Family("Flux", _FLUX, "txt_in"),
    "Flux2": Family("Flux.2", _FLUX_OF_16, "txt_in", sized=True),
    "LongCatImage": Family("LongCat-Image", _FLUX, "txt_in"),
    "Chroma": Family("Chroma", _FLUX, "txt_in"),
    "HunyuanImage21": Family("HunyuanImage 2.1", _FLUX_OF_16, "txt_in.input_embedder", sized=True),
    "PixArt": Family(
        "PixArt",
        (Block("pixart.pixartms.PixArtMSBlock", ("mlp.fc2",), _cross("cross_attn.proj")),),
        "y_embedder.y_proj.fc2",
    ),
    "Lumina2": Family(
        "Lumina 2, Z-Image",
        (
            Block(
                "lumina.model.JointTransformerBlock",
                ("feed_forward.w2",),
                _single("attention.out", 2),
                "layers.",
            ),
        ),
        "cap_embedder.1",
    ),
    "Krea2": Family(
        "Krea 2",
        (Block("krea2.model.SingleStreamBlock", ("mlp.down",), _single("attn.wo", 2)),),
        "txtmlp.3",
    ),
    "QwenImage": Family("Qwen-Image", (_QWEN,), "txt_in"),
    "QwenImage21": Family(
        "Qwen-Image 2.1",
        (
            Block(
                "qwen_image21.model.QwenImage21TransformerBlock",
                ("img_mlp.out",),
                _single("attn.to_out.0", 1),
            ),
        ),
        "txt_in.out_layer",
        sized=True,
    ),
    "MageFlow": Family("MageFlow", (_QWEN,), "txt_in", sized=True),
    "AuraFlow": Family(
        "AuraFlow",
        (
            Block("aura.mmdit.MMDiTBlock", ("mlpC.c_proj", "mlpX.c_proj"), _double("attn.w2o")),
            Block("aura.mmdit.DiTBlock", ("mlp.c_proj",), _single("attn.w1o", 2)),
        ),
        "cond_seq_linear",
    ),
    "CosmosPredict2": Family("Cosmos Predict 2", (_COSMOS,)),
    "Anima": Family("Anima", (_COSMOS,), "llm_adapter.out_proj"),
    "ErnieImage": Family(
        "ERNIE-Image",
        (
            Block(
                "ernie.model.ErnieImageSharedAdaLNBlock",
                ("mlp.linear_fc2",),
                _single("self_attention.to_out.0", 1, Picture.FIRST),
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
                _single("attention.o", 1),
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
                _double("img_instruct_attn.processor.img_out"),
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
                _double("attn.img_attn_proj"),
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
                _double("attn.to_out.0"),
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
                _cross("cross_attention.out_layer"),
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


def text_entry_of(model: type, denoiser: torch.nn.Module) -> Iterator[TextEntry]:
    """Every layer of a denoiser through which text reaches the picture.

    Args:
        model, denoiser: as for ``ffn2_of``.
    """
    for name, module, block in _blocks(model, denoiser):
        entry = block.entry
        layer = _submodule(module, entry.path) if entry else None
        if entry and _is_linear(layer):
            channels = layer.out_features if entry.shared else layer.in_features
            filled = getattr(denoiser, "pad_tokens_multiple", None) or 1  # Z-Image's
            yield TextEntry(f"{name}.{entry.path}", layer, entry, channels, filled)


def caption_layer_of(model: type, denoiser: torch.nn.Module) -> tuple[str, torch.nn.Linear] | None:
    """Name and layer of the one layer that reads the caption alone, where there is one.

    Args:
        model, denoiser: as for ``ffn2_of``.
    """
    family = _family(model)
    layer = _submodule(denoiser, family.caption) if family and family.caption else None
    return (family.caption, layer) if family and _is_linear(layer) else None


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
