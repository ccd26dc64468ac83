"""Concepts in, a LoRA out."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy.utils import ProgressBar

from ....fia_core import DEFAULT_CONTEXT_COUNT, default_contexts
from ....fia_core.closed_form import TextChange, change_text
from ....fia_core.prompts import (
    NOUNS,
    Pair,
    apart_from,
    noun_prompts,
    prompt_pairs,
    worded_pairs,
)
from ..denoising.progress import ENCODING, say, say_result
from ..denoising.request import comma_doubts
from ..denoising.words import known_words, require_known_words, require_text_encoder
from ..model.layers import find_text_layers
from ..model.lora import DescribedLora, lora_of, lora_size
from .captions import read_captions, written
from .tokens import Caption, pair

RIDGE_ONCE, RIDGE_EACH = 0.00006, 0.0025
"""λ of ``fia_core/closed_form.py`` where one layer reads the text for all blocks, and where each
block reads it, so that the changes add up; of one concept. With n of them it is divided by n²:
what they have in common is in n times as many rows, what tells them apart is not, and t grows with
n, too. Small models wanted these values (docs/evidence.md)."""

PRESERVED, PRESERVED_IN_WORDINGS = 100.0, 10.0
"""p with the paper's prompts alone, and with further wordings, however many concepts there are.
Small models wanted these values, too."""

SHARE = 0.8
"""Of what a change of full rank does: a LoRA's rank is no larger than that takes. Where it takes
more than one a concept, the text is a language model's, and one wording does not stand for all."""

FEW = 4
"""Contexts of each of many concepts; one name alone went as well with so few as with ten."""

IN_WORDING, FEW_IN_WORDING = 5, 2
"""Contexts in each further wording, and those of each of many concepts."""


@dataclass(frozen=True)
class Wish:
    """What a LoRA should do.

    Attributes:
        concepts: to forget.
        kind: of ``KINDS``.
        instead: what is drawn in their place; empty: what is there without them.
        kept: concepts of the same kind that should stay.
        amount: how much; λ and p are divided by it.
        rank: of the LoRA; 0: one for each concept, or more where it takes more.
    """

    concepts: tuple[str, ...]
    kind: str = "object"
    instead: str = ""
    kept: tuple[str, ...] = ()
    amount: float = 1.0
    rank: int = 0


def forget_lora(
    model: ModelPatcher, clip: CLIP | None, wish: Wish, node_id: str | None = None
) -> DescribedLora:
    """A LoRA of ``model``'s text layers, with which it forgets.

    ``model`` and its modules are left as they were, also after an error or an interrupt.

    Args:
        node_id: of the node in the page, which shows how far it is.

    Raises:
        ValueError: names the input and the mend.
    """
    began = time.monotonic()
    clip = require_text_encoder(clip)
    layers = find_text_layers(model)
    ridge = RIDGE_ONCE if len(layers) == 1 else RIDGE_EACH
    ridge /= wish.amount * len(wish.concepts) ** 2
    require_known_words(clip, wish.concepts)
    require_known_words(clip, wish.kept, "keep")
    require_known_words(clip, (wish.instead,) if wish.instead else (), "instead")

    def read(*, in_wordings: bool) -> _Rows:
        prompts = _prompts(clip, wish, in_wordings=in_wordings)
        bar = ProgressBar(len(prompts.all))
        captions = read_captions(model, layers, clip, prompts.all, bar.update_absolute)
        return _rows(wish, prompts, dict(zip(prompts.all, captions, strict=True)))

    say(ENCODING, node_id)
    rows = read(in_wordings=False)
    change = _change(rows, ridge, PRESERVED / wish.amount)
    in_wordings = len(change.down) > len(wish.concepts)
    if in_wordings:
        rows = read(in_wordings=True)
    if in_wordings or wish.rank:
        preserve = PRESERVED_IN_WORDINGS if in_wordings else PRESERVED
        change = _change(rows, ridge, preserve / wish.amount, wish.rank)
    ups = written(model, layers, clip, change.up.T, rows.stay.dtype)
    about = {
        "concepts": wish.concepts,
        "instead": wish.instead,
        "architecture": type(model.model.model_config).__name__,
    }
    lora = DescribedLora(lora_of(model, ups, change.down), about)

    seconds = time.monotonic() - began
    size = f"{lora_size(lora) / 1000:,.0f} KB"
    words = f"{len(layers)} layers, rank {len(change.down)}, {size} in {seconds:.0f} s"
    if len(wish.concepts) > 1:
        done = zip((change.done(*both) for both in rows.concepts), wish.concepts, strict=True)
        (least, one), (more, other), *_ = sorted(done)
        words += f"; least changed: {one} ({least:.0%}), then {other} ({more:.0%})"
    say_result("Forget LoRA", words, comma_doubts(wish.concepts), node_id)
    return lora


@dataclass(frozen=True)
class _Prompts:
    """What is encoded.

    Attributes:
        pairs: of each concept, its prompts and what should be drawn for them.
        stay: prompts that should be drawn as they are.
        all: each of them once.
    """

    pairs: list[list[Pair]]
    stay: list[str]
    all: list[str]


def _prompts(clip: CLIP, wish: Wish, *, in_wordings: bool) -> _Prompts:
    many = len(wish.concepts) > FEW
    count = FEW if many else DEFAULT_CONTEXT_COUNT
    contexts = apart_from(default_contexts(wish.kind), wish.concepts)
    others = [*contexts[count:], *contexts[:count]]

    def pairs_of(concept: str, instead: str = "") -> list[Pair]:
        pairs = prompt_pairs(wish.kind, concept, contexts[:count], instead)
        if in_wordings:
            each = FEW_IN_WORDING if many else IN_WORDING
            pairs += worded_pairs(wish.kind, concept, others, each, instead)
        return pairs

    pairs = [pairs_of(concept, wish.instead) for concept in wish.concepts]
    bases = [one.other for some in pairs for one in some]
    kept = [one.prompt for concept in wish.kept for one in pairs_of(concept)]
    nouns = noun_prompts(known_words(clip, NOUNS), (*wish.concepts, wish.instead))
    stay = [*dict.fromkeys([*bases, *kept, *nouns])]
    forgotten = [one.prompt for some in pairs for one in some]
    return _Prompts(pairs, stay, [*dict.fromkeys([*forgotten, *stay])])


@dataclass(frozen=True)
class _Rows:
    """What the text layers read.

    Attributes:
        concepts: of each, rows of its prompts and what they should be, (n, C) float32.
        stay: rows that should stay, (s, C) as the layers read them.
    """

    concepts: list[tuple[torch.Tensor, torch.Tensor]]
    stay: torch.Tensor


def _rows(wish: Wish, prompts: _Prompts, captions: dict[str, Caption]) -> _Rows:
    concepts = [_paired(pairs, captions) for pairs in prompts.pairs]
    for name, (before, after) in zip(wish.concepts, concepts, strict=True):
        _require_other_rows(name, before, after)
    return _Rows(concepts, torch.cat([captions[prompt].all_rows for prompt in prompts.stay]))


def _change(rows: _Rows, ridge: float, preserve: float, rank: int = 0) -> TextChange:
    """The change of the text; rank 0: one a concept, or more where it takes more."""
    read, wanted = (torch.cat(both) for both in zip(*rows.concepts, strict=True))
    size = {"rank": rank} if rank else {"rank": len(rows.concepts), "share": SHARE}
    return change_text(read, wanted, rows.stay, ridge=ridge, preserve=preserve, **size)


def _require_other_rows(concept: str, read: torch.Tensor, wanted: torch.Tensor) -> None:
    if torch.equal(read, wanted):
        raise ValueError(
            f"concepts: the text encoder reads the prompts with {concept!r} and those that should "
            "be drawn in their place alike, so there is nothing to change. Check the spelling of "
            "both, or use another text encoder."
        )


def _paired(
    group: Sequence[Pair], captions: dict[str, Caption]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of a concept's prompts and what they should be, (n, C) float32."""
    said = Counter(token for one in group for token in {*captions[one.other].words})
    usual = {token for token, count in said.items() if count > len(group) / 2}
    pairs = [pair(captions[one.prompt], captions[one.other], usual) for one in group]
    read, wanted = zip(*pairs, strict=True)
    return torch.cat(read).float(), torch.cat(wanted).float()
