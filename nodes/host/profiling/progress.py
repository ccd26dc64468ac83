"""Tell the page how far profiling is: bar, latent preview, and some words in the node."""

import logging
import time
from collections.abc import Sequence

import latent_preview
import torch
from comfy.model_patcher import ModelPatcher
from comfy.utils import ProgressBar
from server import PromptServer

PREVIEW_FORMAT = "JPEG"
UNSEEN = "explicit content"
"""The kind of concepts whose prompts are shown to nobody."""


class ProfileProgress:
    """Counts the prompts of all rounds over all steps.

    Args:
        model: whose latents are previewed.
        rounds: the concepts of each round; base prompts come first in every round.
        group: prompts of the base and of each concept.
        steps: how often the prompts are denoised.
        node_id: of the node in the page; without it there are no words.
        kind: of the concepts; what is explicit is not shown.
    """

    def __init__(
        self,
        model: ModelPatcher,
        rounds: Sequence[Sequence[str]],
        group: int,
        steps: int,
        node_id: str | None,
        kind: str,
    ) -> None:
        self._concepts = [concept for concepts in rounds for concept in concepts]
        self._group = group
        self._steps = steps
        self._node_id = node_id
        self._total = sum(1 + len(concepts) for concepts in rounds) * group * steps
        self._done = 0
        self._round: Sequence[str] = ()
        self._round_start = 0
        self._start = time.monotonic()
        self._bar = ProgressBar(self._total)
        self._model = model
        self._ask_for_previewer = kind != UNSEEN
        self._previewer: latent_preview.LatentPreviewer | None = None

    def begin(self, concepts: Sequence[str]) -> None:
        """The round of these concepts begins, or begins again."""
        if concepts == self._round:
            self._done = self._round_start
        if self._ask_for_previewer:  # only now: it may have weights to load
            self._ask_for_previewer = False
            self._previewer = latent_preview.get_previewer(
                self._model.load_device, self._model.model.latent_format
            )
        self._round = concepts
        self._round_start = self._done

    def advance(self, prompts: range, denoised: torch.Tensor) -> None:
        """Some prompts of the round are through a step; their clean latents, (prompts, C, H, W)."""
        self._done += len(prompts)
        preview = self._previewer and self._previewer.decode_latent_to_preview_image(
            PREVIEW_FORMAT, denoised[:1]
        )
        self._bar.update_absolute(self._done, preview=preview)
        self._say(self._sentence(prompts.stop - 1))

    def finish(self, cached: int, doubts: Sequence[str]) -> None:
        """Say how long all of it took, how many profiles were there already, and the doubts."""
        seconds = time.monotonic() - self._start
        done = f"{len(self._concepts)} profiled in {seconds:.0f} s" if self._concepts else ""
        known = f"{cached} from the cache" if cached else ""
        words = ", ".join(filter(None, (done, known)))
        for doubt in doubts:
            logging.warning("Profile Concept: %s", doubt)
        # two lines have room in the node, and some pages show all in one
        self._say(f"{words}.\n{' '.join(doubts)}" if doubts else words)

    def _sentence(self, prompt: int) -> str:
        in_a_step = (1 + len(self._round)) * self._group
        step = (self._done - self._round_start - 1) // in_a_step + 1
        elapsed = time.monotonic() - self._start
        left = elapsed / self._done * (self._total - self._done)
        return (
            f"step {step} of {self._steps} · {self._subject(prompt // self._group)}\n"
            f"prompt {prompt % self._group + 1} of {self._group} · about {left:.0f} s left"
        )

    def _subject(self, group: int) -> str:
        if group == 0:
            return "without a concept"
        concept = self._round[group - 1]
        return f"{concept} ({self._concepts.index(concept) + 1} of {len(self._concepts)})"

    def _say(self, text: str) -> None:
        if self._node_id is not None:
            PromptServer.instance.send_progress_text(text, self._node_id)
