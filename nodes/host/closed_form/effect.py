"""How much of what concepts change in a model's prediction a change of its weights takes away."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace

import torch
from comfy.model_patcher import ModelPatcher

from ..denoising.denoise import StepObserver, denoise_prompts
from ..denoising.memory import in_calls_that_fit
from ..denoising.request import ProfileRequest, RequestPrompts
from ..model.clones import run_in_one_place, working_copy

MOST_SCENES = 4


class ConceptEffect:
    """The effect D of a concept: what the model predicts with it less what it predicts without it,
    in the first step, from the same noise, in the first scenes.

    Args:
        model: stays as it is.
        request: its concepts, and how prompts are denoised.
        prompts: of the request.
        chunk: prompts a denoiser call, less where memory runs out.
    """

    def __init__(
        self, model: ModelPatcher, request: ProfileRequest, prompts: RequestPrompts, chunk: int
    ) -> None:
        self._model, self._chunk = model, chunk
        self._concepts = request.concepts
        self._sampling = replace(request.sampling, profile_steps=1, cfg=1.0)  # the prompt's half
        self._positive = prompts.by_scene(request.concepts, MOST_SCENES)
        self._negative = prompts.negative()
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

        def predict(chunk: int) -> torch.Tensor:
            latents: list[torch.Tensor] = []
            observer = StepObserver(
                prompts=lambda rows: nullcontext(),
                forward=lambda parts: None,
                finish_step=lambda: None,
                denoised=lambda rows, clean: latents.append(clean.float().cpu()),
            )
            with working_copy(self._model) as model:
                run_in_one_place(model)
                if differences:
                    model.add_patches(
                        {f"{name}.weight": ("diff", (by,)) for name, by in differences.items()}
                    )
                denoise_prompts(
                    model, self._positive, self._negative, self._sampling, chunk, observer
                )
            return torch.cat(latents)

        latents, self._chunk = in_calls_that_fit(predict, self._chunk)
        scenes = latents.flatten(1).unflatten(0, (-1, 1 + len(self._concepts)))
        return (scenes[:, 1:] - scenes[:, :1]).transpose(0, 1).flatten(1)
