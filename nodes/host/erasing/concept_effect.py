"""How much of what concepts change in a model's prediction a change of its weights takes away."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP

from ..model.one_place import run_in_one_place
from ..profiling.denoise import StepObserver, denoise_prompts
from ..profiling.request import ProfileRequest, RequestPrompts
from ..profiling.working_copy import working_copy

MOST_SCENES = 4


class ConceptEffect:
    """The effect D of a concept: what the model predicts with it less what it predicts without it,
    in the first step, from the same noise.

    Args:
        model: stays as it is.
        request: its concepts, its first contexts, and how prompts are denoised.
        chunk: prompts a denoiser call.
    """

    def __init__(
        self, model: ModelPatcher, clip: CLIP, request: ProfileRequest, chunk: int
    ) -> None:
        few = replace(request.sampling, profile_steps=1)
        self._request = replace(request, contexts=request.contexts[:MOST_SCENES], sampling=few)
        self._model, self._chunk = model, chunk
        self._prompts = RequestPrompts(clip, self._request)
        self._plain = self._of({})

    def removed(self, differences: Mapping[str, torch.Tensor]) -> float:
        """1 − ⟨D', D⟩ / ⟨D, D⟩, the mean over concepts, where D' is with weights that are larger.

        Args:
            differences: by how much, (C_out, C_in), by the layer's name.
        """
        changed = self._of(differences)
        left = (changed * self._plain).sum(1) / self._plain.square().sum(1)
        return 1 - float(left.mean())

    def _of(self, differences: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """D of every concept over all scenes, (concepts, numbers) float32 on the CPU."""
        concepts = self._request.concepts
        latents: list[torch.Tensor] = []
        observer = StepObserver(
            prompts=lambda rows: nullcontext(),
            forward=lambda parts: None,
            finish_step=lambda: None,
            denoised=lambda rows, clean: latents.append(clean.float().cpu()),
        )
        with working_copy(self._model) as model:
            run_in_one_place(model)
            model.add_patches(
                {f"{name}.weight": ("diff", (by,)) for name, by in differences.items()}
            )
            denoise_prompts(
                model,
                self._prompts.by_scene(concepts),
                self._prompts.negative(),
                self._request.sampling,
                self._chunk,
                observer,
            )
        scenes = torch.cat(latents).flatten(1).unflatten(0, (-1, 1 + len(concepts)))
        return (scenes[:, 1:] - scenes[:, :1]).transpose(0, 1).flatten(1)
