"""Profile concepts: prompts → denoiser → FFN2 activations → statistics → concept profiles."""

from collections.abc import Iterator
from dataclasses import asdict

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ....fia_core import ConceptProfile, LayerShapes
from ..denoising.conditioning import EMPTY_PROMPT, RequestPrompts
from ..denoising.denoise import profile_sigmas
from ..denoising.memory import FittingCalls
from ..denoising.progress import ENCODING, ProfileProgress
from ..denoising.words import require_text_encoder
from ..model.clones import working_copy
from ..model.identity import model_identity
from ..model.layers import find_ffn2_layers, layer_shapes
from .cache import ProfileCache
from .encoder_fingerprint import add_prompts, encoder_fingerprint
from .fingerprint import Fingerprint, NoFingerprintError, add_model
from .request import ProfileRequest
from .round import profile_round
from .state_plan import LARGEST_ROUND, plan_state

CALCULATION = 7
"""Raise it when the same request would give other numbers than before, or name its model otherwise:
cached profiles expire."""

READING = "reading the model's weights …"
FOREIGN_CODE = "another node's code is in the model or its text encoder"
CONNECT_EARLIER = "Put this one right after the loader and its LoRAs."


def profile_concepts(
    model: ModelPatcher,
    clip: CLIP | None,
    request: ProfileRequest,
    cache: ProfileCache | None = None,
    node_id: str | None = None,
) -> list[ConceptProfile]:
    """The profiles of a request's concepts, in order.

    Profiles that ``cache`` holds are taken from it, and only the prompts of others are encoded; new
    ones are put into it. The page's node ``node_id`` shows how far it is. ``model`` and its modules
    are left as they were, also after an error or an interrupt.

    Raises:
        ValueError: if the model has no FFN2 layers, there is no text encoder, the schedule is too
            short, a concept is in no known word, not even one concept fits in memory, or the
            sampler does not follow the schedule.
    """
    with working_copy(model) as model:
        shapes = layer_shapes(find_ffn2_layers(model))
        clip = require_text_encoder(clip)  # after the layers: what makes videos often has none
        sigmas = profile_sigmas(model, request.sampling)
        prompts = RequestPrompts(clip, request)
        progress = ProfileProgress(model, request, node_id)
        keys: dict[str, str] = {}
        profiles: dict[str, ConceptProfile] = {}
        not_kept = None
        if cache:
            progress.say(READING)
            try:
                keys = _cache_keys(model, clip, request, prompts, sigmas)
            except NoFingerprintError as error:
                not_kept = f"{FOREIGN_CODE} ({error}). {CONNECT_EARLIER}"
            found = {concept: cache.get(key) for concept, key in keys.items()}
            profiles = {concept: profile for concept, profile in found.items() if profile}
        missing = [concept for concept in request.concepts if concept not in profiles]
        prompts.require_known(missing)
        for profile in _new_profiles(model, request, prompts, shapes, missing, progress):
            profiles[profile.concept] = profile
            if cache and profile.concept in keys:
                not_kept = cache.put(keys[profile.concept], profile) or not_kept
        notes = [f"Not kept on disk: {not_kept}"] if not_kept else []
        progress.finish(len(request.concepts) - len(missing), notes)
    return [profiles[concept] for concept in request.concepts]


def _new_profiles(
    model: ModelPatcher,
    request: ProfileRequest,
    prompts: RequestPrompts,
    shapes: LayerShapes,
    missing: list[str],
    progress: ProfileProgress,
) -> Iterator[ConceptProfile]:
    """Profile the missing concepts round by round; those of finished rounds are kept whatever comes
    after.

    Where none is missing, nothing is encoded, and no room is made.
    """
    if not missing:
        return
    progress.say(ENCODING)
    prompts.encode(missing)  # before room is made for the denoiser
    most = len(request.base_prompts()) * (1 + min(len(missing), LARGEST_ROUND))
    chunk = min(request.chunk, most)  # no call has more prompts than there are
    plan = plan_state(model, shapes, len(missing), request.sampling, chunk, request.saliency_form)
    starts = range(0, len(missing), plan.concepts)
    rounds = [missing[start : start + plan.concepts] for start in starts]
    progress.expect(rounds)
    progress.say(READING)
    identity = model_identity(model)
    calls = FittingCalls(plan.chunk)
    for concepts in rounds:
        yield from profile_round(model, request, prompts, concepts, identity, plan, calls, progress)


def _cache_keys(
    model: ModelPatcher,
    clip: CLIP,
    request: ProfileRequest,
    prompts: RequestPrompts,
    sigmas: torch.Tensor,
) -> dict[str, str]:
    """A key for each concept's profile.

    Raises:
        NoFingerprintError: the model's content cannot be told, or the text encoder's.
    """
    shared = Fingerprint()
    add_model(shared, model)
    shared.add((CALCULATION, request.kind, request.temporal_sparsity, request.saliency_form))
    shared.add((asdict(request.sampling), sigmas))
    encoder = encoder_fingerprint(clip)
    add_prompts(shared, clip, encoder, prompts, (*request.base_prompts(), EMPTY_PROMPT))
    keys = {}
    for concept in request.concepts:
        own = Fingerprint()
        own.add((shared.text(), concept))
        add_prompts(own, clip, encoder, prompts, request.concept_prompts(concept))
        keys[concept] = own.text()
    return keys
