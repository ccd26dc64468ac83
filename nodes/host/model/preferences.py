"""How a model is usually drawn with: size, steps, guidance, sampler and scheduler by its family.

The host tells a family, whether guidance is a number that the model is given, and what an SD 2.x
predicts. It does not tell what was distilled (Turbo, Lightning, a LoRA for few steps): then the
table has what most people draw with, from the settings of ComfyUI's own templates (November 2026).
SD 1.5 is as in the paper. A wrong guess costs quality, and never fails.

Families are known by the names of the host's configurations, so a host that lacks one loads.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from comfy.model_base import ModelType
from comfy.model_patcher import ModelPatcher

PIXELS_A_LATENT = 8  # on a side, where the host does not say


@dataclass(frozen=True)
class Preferences:
    """What a family is drawn with.

    Attributes:
        family: its name, for people.
        side: of a square picture in pixels.
        steps: of the whole schedule.
        cfg: guidance scale.
        sampler, scheduler: names that the host knows.
        known: whether the family is in the table.
    """

    family: str
    side: int
    steps: int
    cfg: float
    sampler: str = "euler"
    scheduler: str = "simple"
    known: bool = True


_KLEIN = Preferences("FLUX.2 Klein", 1024, 4, 1.0)
_OVIS = Preferences("Ovis-Image", 1024, 20, 5.0)

_FAMILIES = {
    "SD15": Preferences("SD 1.5", 512, 50, 7.5, scheduler="normal"),
    "SD20": Preferences("SD 2.x", 512, 50, 7.5, scheduler="normal"),
    "SDXL": Preferences("SDXL", 1024, 25, 7.0, scheduler="normal"),
    "SD3": Preferences("SD3", 1024, 20, 4.0, scheduler="sgm_uniform"),
    "Flux": Preferences("FLUX.1", 1024, 20, 1.0),
    "FluxSchnell": Preferences("FLUX.1 schnell", 1024, 4, 1.0),
    "Flux2": Preferences("FLUX.2", 1024, 20, 1.0),
    "Chroma": Preferences("Chroma", 1024, 26, 3.5, scheduler="beta"),
    "PixArtAlpha": Preferences("PixArt", 1024, 20, 4.5, scheduler="normal"),
    "Lumina2": Preferences("Lumina 2", 1024, 30, 4.0, "res_multistep"),
    "ZImage": Preferences("Z-Image", 1024, 8, 1.0, "res_multistep"),
    "QwenImage": Preferences("Qwen-Image", 1328, 50, 4.0),
    "QwenImage21": Preferences("Qwen-Image 2.1", 1024, 25, 1.0),
    "AuraFlow": Preferences("AuraFlow", 1024, 25, 3.5),
    "Krea2": Preferences("Krea 2", 1024, 8, 1.0),
    "LongCatImage": Preferences("LongCat-Image", 1024, 20, 4.0),
    "MageFlow": Preferences("MageFlow", 1024, 30, 5.0),
    "Anima": Preferences("Anima", 1024, 30, 4.0),
    "CosmosT2IPredict2": Preferences("Cosmos Predict 2", 1024, 35, 4.0),
    "ErnieImage": Preferences("ERNIE-Image", 1024, 20, 4.0),
    "Ideogram4": Preferences("Ideogram 4", 1024, 20, 1.0),
    "Omnigen2": Preferences("OmniGen 2", 1024, 20, 5.0),
    "Boogu": Preferences("Boogu", 1024, 4, 1.0, "lcm", "sgm_uniform"),
    "JoyImage": Preferences("JoyImage", 1024, 40, 4.0, scheduler="normal"),
    "Lens": Preferences("Lens", 1440, 20, 5.0),
    "Kandinsky5Image": Preferences("Kandinsky 5", 1024, 50, 3.5),
    "HunyuanImage21": Preferences("HunyuanImage 2.1", 2048, 20, 3.5),
    "DemoConfig": Preferences("Demo Model", 128, 50, 4.0, scheduler="normal"),
}

_UNKNOWN = Preferences("", 1024, 20, 1.0, known=False)


def preferences(model: ModelPatcher) -> Preferences:
    """What ``model`` is usually drawn with; for a family that is not in the table a guess, which
    says so by ``known``."""
    config = model.model.model_config
    names = [kind.__name__ for kind in type(config).__mro__]
    name = next((name for name in names if name in _FAMILIES), None)
    if name is None:
        return replace(_UNKNOWN, family=names[0])
    refine = _REFINED.get(name)
    return refine(model, _FAMILIES[name]) if refine else _FAMILIES[name]


def _sd2(model: ModelPatcher, found: Preferences) -> Preferences:
    """The larger SD 2.x predict the velocity."""
    velocity = model.model.model_type == ModelType.V_PREDICTION
    return replace(found, side=768) if velocity else found


def _flux(model: ModelPatcher, found: Preferences) -> Preferences:
    """Ovis-Image is built of the same blocks, with other feed-forward parts."""
    return _OVIS if _unet_config(model).get("yak_mlp") else found


def _flux2(model: ModelPatcher, found: Preferences) -> Preferences:
    """FLUX.2 is given its guidance as a number, and Klein is not."""
    return found if _unet_config(model).get("guidance_embed") else _KLEIN


def _hunyuan(model: ModelPatcher, found: Preferences) -> Preferences:
    """The distilled HunyuanImage is given its guidance as a number."""
    return replace(found, cfg=1.0) if _unet_config(model).get("guidance_embed") else found


def _demo_model(model: ModelPatcher, found: Preferences) -> Preferences:
    side = _unet_config(model).get("image_size")  # in latents; its kin AuraFlow has none
    return replace(found, side=side * PIXELS_A_LATENT) if side else found


def _unet_config(model: ModelPatcher) -> dict[str, Any]:
    return model.model.model_config.unet_config


_REFINED: dict[str, Callable[[ModelPatcher, Preferences], Preferences]] = {
    "SD20": _sd2,
    "Flux": _flux,
    "FluxSchnell": _flux,
    "Flux2": _flux2,
    "HunyuanImage21": _hunyuan,
    "DemoConfig": _demo_model,
}
