"""What concepts change in a model's prediction, and how much of it other weights remove."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from comfy.model_patcher import ModelPatcher

from ..denoising.conditioning import RequestPrompts
from ..denoising.denoise import StepObserver, denoise_prompts
from ..denoising.memory import FittingCalls
from ..model.clones import working_copy

MOST_SCENES = 4


class ConceptEffect:
    """The effect D of a concept: what the model predicts with it less what it predicts without it,
    in the first step, from the same noise, in the first scenes.

    Args:
        model: stays as it is.
        prompts: of the concepts.
        calls: how many prompts a denoiser call has.
    """

    def __init__(self, model: ModelPatcher, prompts: RequestPrompts, calls: FittingCalls) -> None:
        self._model, self._calls = model, calls
        concepts = prompts.request.concepts
        self._scene = 1 + len(concepts)
        batch = prompts.by_scene(concepts, MOST_SCENES)
        sampling = replace(batch.sampling, profile_steps=1, cfg=1.0)  # the prompt's half
        self._batch = replace(batch, sampling=sampling)
        self._plain = self._of({})

    def removed(self, differences: Mapping[str, torch.Tensor]) -> float:
        """The share of the effect that differences of weights remove: 1 − ⟨D', D⟩ / ⟨D, D⟩, the
        mean over concepts, where D' is the effect in the changed model.

        Args:
            differences: added to the weights, (C_out, C_in), by the layer's name.
        """
        changed = self._of(differences)
        left = (changed * self._plain).sum(1) / self._plain.square().sum(1)
        return 1 - float(left.mean())

    def _of(self, differences: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """D of every concept over all scenes, (concepts, numbers) float32 on the CPU."""

        def predict(chunk: int) -> torch.Tensor:
            latents: list[torch.Tensor] = []
            observer = StepObserver(
                denoised=lambda rows, clean: latents.append(clean.float().cpu())
            )
            with working_copy(self._model) as model:
                if differences:
                    model.add_patches(
                        {f"{name}.weight": ("diff", (by,)) for name, by in differences.items()}
                    )
                denoise_prompts(model, self._batch, chunk, observer)
            return torch.cat(latents)

        scenes = self._calls.run(predict).flatten(1).unflatten(0, (-1, self._scene))
        return (scenes[:, 1:] - scenes[:, :1]).transpose(0, 1).flatten(1)
