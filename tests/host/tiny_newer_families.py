"""Tiny models of families that the oldest host lacks, in part or all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import comfy.ldm.flux.model
import comfy.ldm.hunyuan_video.model
from comfy import supported_models
from tiny_families import (
    FAMILIES,
    FLUX_BLOCKS,
    LANGUAGE_MODEL,
    SMALL,
    TELLS_SIZE,
    TEXT_ENCODER,
    Family,
    sizes_for,
)
from tiny_model import TEXT_WIDTH

READ_LAYERS = 36  # of the language models of Krea 2 and Ideogram 4, from which they read a dozen
DEEP = {**LANGUAGE_MODEL, "num_hidden_layers": READ_LAYERS}
SMALL |= {
    "qwen25_3b_model_config": LANGUAGE_MODEL,
    "qwen3_06b_model_config": LANGUAGE_MODEL,
    "qwen3vl_4b_model_config": DEEP,
    "qwen3vl_8b_model_config": DEEP,
}
HEADS = {"num_attention_heads": 2, "attention_head_dim": 32}
AXES = (8, 12, 12)
OMNIGEN = {
    "hidden_size": 64,
    "num_attention_heads": 2,
    "num_kv_heads": 1,
    "multiple_of": 32,
    "num_layers": 2,
    "num_refiner_layers": 1,
    "axes_dim_rope": AXES,
    "axes_lens": (300, 32, 32),
    "timestep_scale": 1000.0,
}
COSMOS = {
    "max_img_h": 240,
    "max_img_w": 240,
    "max_frames": 128,
    "in_channels": 16,
    "out_channels": 16,
    "patch_spatial": 2,
    "patch_temporal": 1,
    "model_channels": 64,
    "num_blocks": 2,
    "num_heads": 2,
    "crossattn_emb_channels": TEXT_WIDTH,
    "pos_emb_cls": "rope3d",
    "use_adaln_lora": True,
    "adaln_lora_dim": 16,
    "rope_enable_fps_modulation": False,
}


@dataclass(frozen=True)
class Row:
    """A family, if the host has it.

    Attributes:
        config: the host's description of the family, by name.
        unet: sizes of the denoiser.
        layers: names of FFN2, in which ``*`` is 0 and 1.
        text: the host's module of text encoders, and its tokenizer; where the family's own comes
            with its checkpoint or is large, Z-Image's.
    """

    config: str
    unet: dict[str, Any]
    layers: tuple[str, ...]
    text: tuple[str, str] = ("z_image", "ZImageTokenizer")
    sized: bool = False
    side: int = 64

    def family(self) -> Family:
        module: Any = import_module(f"comfy.text_encoders.{self.text[0]}")
        return Family(
            getattr(supported_models, self.config),
            self.unet,
            getattr(module, self.text[1]),
            module.te(),
            frozenset(self._names()),
            side=self.side,
        )

    def _names(self) -> Iterator[str]:
        for name in self.layers:
            yield from (name.replace("*", number) for number in "01"[: 1 + ("*" in name)])


def both(name: str, one: str = "img", other: str = "txt") -> tuple[str, str]:
    """The names of FFN2 of two streams."""
    return name.format(one), name.format(other)


def rows() -> Iterable[tuple[str, Row]]:
    yield (
        "LongCat-Image",
        Row(
            "LongCatImage",
            sizes_for(
                comfy.ldm.flux.model.FluxParams,
                **FLUX_BLOCKS,
                txt_ids_dims=[1, 2],
                guidance_embed=False,
            ),
            both("double_blocks.*.{}_mlp.2"),
            ("longcat_image", "LongCatImageTokenizer"),
        ),
    )
    yield (
        "HunyuanImage 2.1",
        Row(
            "HunyuanImage21",
            sizes_for(
                comfy.ldm.hunyuan_video.model.HunyuanVideoParams,
                **{**FLUX_BLOCKS, "in_channels": 64, "out_channels": 64},
            )
            | {
                "patch_size": [1, 1],
                "axes_dim": [16, 16],
                "guidance_embed": False,
                "byt5": False,
                "meanflow": False,
                "use_cond_type_embedding": False,
                "vision_in_dim": None,
            },
            both("double_blocks.*.{}_mlp.2"),
            sized=True,
            side=128,
        ),
    )
    yield (
        "Krea 2",
        Row(
            "Krea2",
            {
                "features": 64,
                "tdim": 32,
                "txtdim": TEXT_WIDTH,
                "heads": 2,
                "kvheads": 1,
                "layers": 2,
                "txtheads": 2,
                "txtkvheads": 2,
            },
            ("blocks.*.mlp.down",),
            ("krea2", "Krea2Tokenizer"),
        ),
    )
    yield (
        "MageFlow",
        Row(
            "MageFlow",
            {
                **HEADS,
                "num_layers": 2,
                "joint_attention_dim": TEXT_WIDTH,
                "axes_dims_rope": AXES,
            },
            both("transformer_blocks.*.{}_mlp.net.2"),
            ("mage_flow", "MageFlowTokenizer"),
            sized=True,
        ),
    )
    yield "Cosmos Predict 2", Row("CosmosT2IPredict2", COSMOS, ("blocks.*.mlp.layer2",))
    yield "Anima", Row("Anima", COSMOS, ("blocks.*.mlp.layer2",), ("anima", "AnimaTokenizer"))
    yield (
        "ERNIE-Image",
        Row(
            "ErnieImage",
            {
                "hidden_size": 64,
                "num_attention_heads": 2,
                "num_layers": 2,
                "ffn_hidden_size": 128,
                "text_in_dim": TEXT_WIDTH,
                "rope_axes_dim": AXES,
            },
            ("layers.*.mlp.linear_fc2",),
            sized=True,
        ),
    )
    yield (
        "Ideogram 4",
        Row(
            "Ideogram4",
            {
                **HEADS,
                "num_layers": 2,
                "intermediate_size": 128,
                "adaln_dim": 16,
                "llm_features_dim": 13 * TEXT_WIDTH,
                "mrope_section": [6, 5, 5],
            },
            ("layers.*.feed_forward.w2",),
            ("ideogram4", "Ideogram4Tokenizer"),
            sized=True,
        ),
    )
    yield (
        "OmniGen 2",
        Row(
            "Omnigen2",
            {**OMNIGEN, "text_feat_dim": TEXT_WIDTH},
            ("layers.*.feed_forward.linear_2",),
            ("omnigen2", "Omnigen2Tokenizer"),
        ),
    )
    yield (
        "Boogu",
        Row(
            "Boogu",
            {**OMNIGEN, "instruction_feat_dim": TEXT_WIDTH, "num_double_stream_layers": 2},
            (
                *both("double_stream_layers.1.{}_feed_forward.linear_2", other="instruct"),
                "single_stream_layers.*.feed_forward.linear_2",
            ),
            ("boogu", "BooguTokenizer"),
        ),
    )
    yield (
        "JoyImage",
        Row(
            "JoyImage",
            {
                "hidden_size": 64,
                "num_attention_heads": 2,
                "text_dim": TEXT_WIDTH,
                "num_layers": 2,
                "rope_dim_list": AXES,
            },
            both("double_blocks.*.{}_mlp.net.2"),
            ("joyimage", "JoyImageTokenizer"),
        ),
    )
    yield (
        "Lens",
        Row(
            "Lens",
            {
                "num_layers": 2,
                "num_attention_heads": 2,
                "attention_head_dim": 48,
                "enc_hidden_dim": TEXT_WIDTH // 2,
                "selected_layer_index": (0, 1),
                "axes_dims_rope": (16, 16, 16),
            },
            both("transformer_blocks.*.{}_mlp.w2"),
            sized=True,
        ),
    )
    yield (
        "Kandinsky 5 Image",
        Row(
            "Kandinsky5Image",
            {
                "in_text_dim": TEXT_WIDTH,
                "in_text_dim2": TEXT_ENCODER["hidden_size"],
                "time_dim": 32,
                "model_dim": 64,
                "ff_dim": 128,
                "visual_embed_dim": 64,
                "num_text_blocks": 1,
                "num_visual_blocks": 2,
                "axes_dims": AXES,
            },
            ("visual_transformer_blocks.*.feed_forward.out_layer",),
            ("kandinsky5", "Kandinsky5TokenizerImage"),
        ),
    )


def make_large_parts_small() -> None:
    """Those whose sizes the host does not let anyone choose."""
    if hasattr(supported_models, "Anima"):
        adapter: Any = import_module("comfy.ldm.anima.model").LLMAdapter
        widths_layers_heads = (TEXT_WIDTH, TEXT_WIDTH, TEXT_WIDTH, 1, 2)
        adapter.__init__.__defaults__ = (
            *widths_layers_heads,
            *adapter.__init__.__defaults__[len(widths_layers_heads) :],
        )
    if hasattr(supported_models, "Krea2"):
        eyes: Any = import_module("comfy.text_encoders.qwen3vl").QWEN3VL_VISION
        small = {"hidden_size": 64, "intermediate_size": 64, "depth": 1}
        eyes.update({key: {**small, "deepstack_visual_indexes": []} for key in eyes})


make_large_parts_small()
FAMILIES |= {
    name: row.family()
    for name, row in rows()
    if hasattr(supported_models, row.config) and (TELLS_SIZE or not row.sized)
}
