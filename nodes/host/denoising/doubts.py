"""What makes a profile doubtful, though it can be made."""

from comfy import supported_models
from comfy.model_patcher import ModelPatcher

from ..model.preferences import preferences
from .request import ProfileRequest

FEW_CONTEXTS = 5
COMMAS = ",，、"
SMALL = 500_000  # pixels of a picture, for families that are made for more


def doubts(model: ModelPatcher, request: ProfileRequest) -> list[str]:
    """A sentence for each thing about a request that its writer may not have meant."""
    sampling, config = request.sampling, model.model.model_config
    found = [
        f"{concept!r} counts as one concept: write one a line."
        for concept in request.concepts
        if set(COMMAS) & set(concept)
    ]
    wanted = preferences(model)
    is_turbo = isinstance(config, supported_models.SDXL) and sampling.cfg == 1  # made for 512
    if sampling.width * sampling.height < SMALL < wanted.side**2 and wanted.known and not is_turbo:
        size = f"{sampling.width} × {sampling.height}"
        found.append(f"Profiled at {size}: {wanted.family} is made for {wanted.side}.")
    if request.chosen and not wanted.known:
        found.append(
            f"What {wanted.family} wants is not known: write width, height, steps, cfg, sampler "
            "and scheduler as you draw pictures with it."
        )
    if config.unet_config.get("guidance_embed") and sampling.cfg > 1:
        found.append(f"cfg {sampling.cfg:g}: this model draws at 1.")
    if len(request.contexts) < FEW_CONTEXTS:
        found.append(f"Only {len(request.contexts)} contexts: the result depends on chance.")
    return found
