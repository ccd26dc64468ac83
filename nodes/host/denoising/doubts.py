"""What makes a profile doubtful, though it can be made."""

from comfy import supported_models
from comfy.model_patcher import ModelPatcher

from .request import ProfileRequest

FEW_CONTEXTS = 5
COMMAS = ",，、"
SMALL = 500_000  # pixels of a picture
SIDES = {
    supported_models.SDXL: "1024",
    supported_models.SD3: "1024",
    supported_models.Flux: "1024",
    supported_models.Lumina2: "1024",
    supported_models.QwenImage: "1328",
}
"""Families made for larger pictures than ``SMALL``, and for which sides, in pixels. The host
derives Flux.2 from Flux, and Z-Image from Lumina 2."""


def doubts(model: ModelPatcher, request: ProfileRequest) -> list[str]:
    """A sentence for each thing about a request that its writer may not have meant."""
    sampling, config = request.sampling, model.model.model_config
    found = [
        f"{concept!r} counts as one concept: write one a line."
        for concept in request.concepts
        if set(COMMAS) & set(concept)
    ]
    side = next((side for family, side in SIDES.items() if isinstance(config, family)), None)
    is_turbo = isinstance(config, supported_models.SDXL) and sampling.cfg == 1  # made for 512
    if side and sampling.width * sampling.height < SMALL and not is_turbo:
        size = f"{sampling.width} × {sampling.height}"
        found.append(f"Profiled at {size}: {type(config).__name__} is made for {side}.")
    if config.unet_config.get("guidance_embed") and sampling.cfg > 1:
        found.append(f"cfg {sampling.cfg:g}: this model draws at 1.")
    if len(request.contexts) < FEW_CONTEXTS:
        found.append(f"Only {len(request.contexts)} contexts: the result depends on chance.")
    return found
