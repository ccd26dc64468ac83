"""Tell the page how far profiling is: bar, latent preview, and some words in the node."""

import logging
import time
from collections.abc import Sequence

import latent_preview
import torch
from comfy.model_patcher import ModelPatcher
from comfy.utils import ProgressBar
from server import PromptServer

from .request import PromptRequest, doubts

PREVIEW_FORMAT = "JPEG"
LOADING = "loading the model …"
ENCODING = "encoding the prompts …"

UNSEEN = "explicit content"
"""The kind of concepts whose prompts are shown to nobody."""

WARNING = "⚠"
"""Before what the page must show where the node cannot be seen (``web/profile_progress.js``)."""


def say(text: str, node_id: str | None) -> None:
    """Write into a node of the page, if there is one."""
    if node_id is not None:
        PromptServer.instance.send_progress_text(text, node_id)


def say_result(node: str, result: str, notes: Sequence[str], node_id: str | None) -> None:
    """Write what came out into a node of the page; what makes it doubtful also into the log.

    Args:
        node: its name.
        notes: a sentence each.
    """
    for note in notes:
        logging.warning("%s: %s", node, note)
    # three lines have room in the node, and some pages show all in one
    say(f"{result}\n{WARNING} {' '.join(notes)}" if notes else result, node_id)


class ProfileProgress:
    """Counts the prompts of all rounds over all steps.

    Args:
        model: whose latents are previewed.
        request: of the profiles; what is explicit is not shown.
        node_id: of the node in the page; without it there are no words.
    """

    def __init__(self, model: ModelPatcher, request: PromptRequest, node_id: str | None) -> None:
        self._request = request
        self._concepts: list[str] = []
        self._group = len(request.base_prompts())
        self._chosen = request.chosen
        self._steps = request.sampling.profile_steps
        self._node_id = node_id
        self._done = 0
        self._round: Sequence[str] = ()
        self._round_start = 0
        self._model = model
        self._ask_for_previewer = request.kind != UNSEEN
        self._previewer: latent_preview.LatentPreviewer | None = None

    def say(self, text: str) -> None:
        """Write into the node, below what it chose by itself."""
        say(self._below_chosen(text), self._node_id)

    def expect(self, rounds: Sequence[Sequence[str]]) -> None:
        """Concepts will be profiled in these rounds, each after its base prompts."""
        self._concepts = [concept for concepts in rounds for concept in concepts]
        self._total = sum(1 + len(concepts) for concepts in rounds) * self._group * self._steps
        self._bar = ProgressBar(self._total)
        self._start = time.monotonic()

    def begin(self, concepts: Sequence[str]) -> None:
        """The round of these concepts begins, or begins again."""
        if concepts == self._round:
            self._done = self._round_start
        if self._done == 0:
            self.say(LOADING)
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
        self.say(self._sentence(prompts.stop - 1))

    def finish(self, cached: int, notes: Sequence[str]) -> None:
        """Say how long it took and what came out.

        Args:
            cached: profiles that were there already.
            notes: what else there is to know; what makes the request doubtful is added.
        """
        notes = [*notes, *doubts(self._model, self._request)]
        words = []
        if self._concepts:
            seconds = time.monotonic() - self._start
            words.append(f"{len(self._concepts)} profiled in {seconds:.0f} s")
        if cached:
            words.append(f"{cached} from the cache")
        result = ", ".join(words) + ("." if notes else "")
        say_result("Profile Concept", self._below_chosen(result), notes, self._node_id)

    def _below_chosen(self, text: str) -> str:
        return f"{self._chosen}\n{text}" if self._chosen else text

    def _sentence(self, prompt: int) -> str:
        in_a_step = (1 + len(self._round)) * self._group
        step = (self._done - self._round_start - 1) // in_a_step + 1
        elapsed = time.monotonic() - self._start
        left = elapsed / self._done * (self._total - self._done)
        subject, position, of = self._place(prompt)
        return (
            f"step {step} of {self._steps} · {subject}\n"
            f"prompt {position + 1} of {of} · about {left:.0f} s left"
        )

    def _place(self, prompt: int) -> tuple[str, int, int]:
        """What a prompt is of, its position there, and how many prompts there are."""
        group, position = divmod(prompt, self._group)
        if group == 0:
            return "without a concept", position, self._group
        concept = self._round[group - 1]
        number = self._concepts.index(concept) + 1
        return f"{concept} ({number} of {len(self._concepts)})", position, self._group
