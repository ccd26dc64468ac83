"""Tell the page how far profiling is: bar, latent preview, and one line of text in the node."""

import time
from collections.abc import Sequence

import latent_preview
import torch
from comfy.model_patcher import ModelPatcher
from comfy.utils import ProgressBar
from server import PromptServer

PREVIEW_FORMAT = "JPEG"


class ProfileProgress:
    """Counts prompts over all steps.

    Args:
        model: whose latents are previewed.
        concepts: names, in the order of their prompts; the base prompts come before them.
        group: prompts of the base and of each concept.
        steps: how often all prompts are denoised.
        node_id: of the node in the page; without it there is no text.
    """

    def __init__(
        self,
        model: ModelPatcher,
        concepts: Sequence[str],
        group: int,
        steps: int,
        node_id: str | None,
    ) -> None:
        self._concepts = concepts
        self._group = group
        self._steps = steps
        self._prompts = (1 + len(concepts)) * group
        self._node_id = node_id
        self._done = 0
        self._start = time.monotonic()
        self._bar = ProgressBar(self._prompts * steps)
        self._previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)

    def advance(self, prompts: range, denoised: torch.Tensor) -> None:
        """Some prompts are through a step: their denoised latents, (prompts, C, H, W)."""
        self._done += len(prompts)
        preview = self._previewer and self._previewer.decode_latent_to_preview_image(
            PREVIEW_FORMAT, denoised[:1]
        )
        self._bar.update_absolute(self._done, preview=preview)
        self._say(self._sentence(prompts))

    def finish(self) -> None:
        """Say how long all of it took."""
        seconds = time.monotonic() - self._start
        self._say(f"{self._prompts} prompts × {self._steps} steps in {seconds:.0f} s")

    def _sentence(self, prompts: range) -> str:
        last = prompts.stop - 1
        step = (self._done - 1) // self._prompts + 1
        elapsed = time.monotonic() - self._start
        left = elapsed / self._done * (self._prompts * self._steps - self._done)
        return (
            f"step {step} of {self._steps} · {self._subject(last // self._group)}\n"
            f"prompt {last % self._group + 1} of {self._group} · about {left:.0f} s left"
        )

    def _subject(self, group: int) -> str:
        if group == 0:
            return "without a concept"
        return f"{self._concepts[group - 1]} ({group} of {len(self._concepts)})"

    def _say(self, text: str) -> None:
        if self._node_id is not None:
            PromptServer.instance.send_progress_text(text, self._node_id)
