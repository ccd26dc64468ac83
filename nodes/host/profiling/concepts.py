"""Profile concepts: prompts → denoiser → FFN2 activations → statistics → concept profiles."""

import logging
from collections.abc import Iterator
from dataclasses import asdict, replace

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ....fia_core import ConceptProfile, LayerShapes
from ..model.identity import model_identity
from ..model.layers import find_ffn2_layers, layer_shapes
from ..model.one_place import run_in_one_place
from .cache import ProfileCache
from .doubts import doubts
from .fingerprint import Fingerprint, NoFingerprintError, add_model
from .progress import ProfileProgress
from .request import EMPTY_PROMPT, ProfileRequest, RequestPrompts
from .round import profile_round
from .sampling import profile_sigmas
from .state_plan import StatePlan, plan_state
from .words import require_known_words
from .working_copy import working_copy

CALCULATION = 6
"""Raise it when the same request would give other numbers than before, or name its model otherwise:
cached profiles expire."""


def profile_concepts(
    model: ModelPatcher,
    clip: CLIP | None,
    request: ProfileRequest,
    cache: ProfileCache | None = None,
    node_id: str | None = None,
) -> list[ConceptProfile]:
    """One profile a concept, in order.

    Profiles that ``cache`` holds are taken from it, and only the prompts of others are encoded; new
    ones are put into it. The page's node ``node_id`` shows how far it is. ``model`` and its modules
    are left as they were, also after an error or an interrupt.

    Raises:
        ValueError: if the model has no FFN2 layers, there is no text encoder, the schedule is too
            short, a concept is in no known word, or the sampler does not follow the schedule.
    """
    with working_copy(model) as model:
        run_in_one_place(model)
        shapes = layer_shapes(find_ffn2_layers(model))
        if clip is None:  # asked after the layers: what makes videos often has none
            raise ValueError(
                "clip: None, the checkpoint has no text encoder. "
                "Load one with Load CLIP and connect it."
            )
        sigmas = profile_sigmas(model, request.sampling)
        prompts = RequestPrompts(clip, request)
        keys = _cache_keys(model, request, prompts, sigmas) if cache else {}
        profiles: dict[str, ConceptProfile] = {}
        if cache:
            found = {concept: cache.get(key) for concept, key in keys.items()}
            profiles = {concept: profile for concept, profile in found.items() if profile}
        missing = [concept for concept in request.concepts if concept not in profiles]
        require_known_words(clip, missing)
        rounds = _rounds(model, request, prompts, shapes, missing)
        progress = ProfileProgress(
            model,
            [concepts for concepts, _ in rounds],
            len(request.base_prompts()),
            request.sampling.profile_steps,
            node_id,
            request.kind,
        )
        for profile in _new_profiles(model, request, prompts, rounds, progress):
            profiles[profile.concept] = profile
            if cache and profile.concept in keys:
                cache.put(keys[profile.concept], profile)
        progress.finish(len(request.concepts) - len(missing), doubts(model, request))
    return [profiles[concept] for concept in request.concepts]


Round = tuple[list[str], StatePlan]
"""Concepts that share base prompts, and where their state lives."""


def _new_profiles(
    model: ModelPatcher,
    request: ProfileRequest,
    prompts: RequestPrompts,
    rounds: list[Round],
    progress: ProfileProgress,
) -> Iterator[ConceptProfile]:
    """Round by round, so that those of finished rounds are kept whatever comes after."""
    if not rounds:
        return
    identity = model_identity(model)
    _, plan = rounds[0]
    chunk = plan.chunk
    for concepts, plan in rounds:
        plan = replace(plan, chunk=chunk)  # the round before may have found it too large
        profiles, chunk = profile_round(model, request, prompts, concepts, identity, plan, progress)
        yield from profiles


def _rounds(
    model: ModelPatcher,
    request: ProfileRequest,
    prompts: RequestPrompts,
    shapes: LayerShapes,
    missing: list[str],
) -> list[Round]:
    """The concepts in rounds; for none, nothing is encoded and no room is made."""
    if not missing:
        return []
    prompts.encode(missing)  # before room is made for the denoiser
    plan = plan_state(model, shapes, len(missing), request.sampling, request.chunk)
    starts = range(0, len(missing), plan.concepts)
    return [(missing[start : start + plan.concepts], plan) for start in starts]


def _cache_keys(
    model: ModelPatcher, request: ProfileRequest, prompts: RequestPrompts, sigmas: torch.Tensor
) -> dict[str, str]:
    """A key for each concept's profile; none where the model's content cannot be told."""
    try:
        shared = Fingerprint()
        add_model(shared, model)
        shared.add((CALCULATION, request.kind, request.temporal_sparsity, request.saliency_form))
        shared.add((asdict(request.sampling), sigmas))
        prompts.add_to(shared, (*request.base_prompts(), EMPTY_PROMPT))
        keys = {}
        for concept in request.concepts:
            own = Fingerprint()
            own.add((shared.text(), concept))
            prompts.add_to(own, request.concept_prompts(concept))
            keys[concept] = own.text()
    except NoFingerprintError as error:
        logging.info("Forget It All: profiles are not cached, the model holds %s.", error)
        return {}
    return keys
