"""Concepts in, a LoRA out."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comfy.sd
import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy.utils import ProgressBar

from ....fia_core import DEFAULT_CONTEXT_COUNT, default_contexts
from ....fia_core.closed_form import TextChange, change_text
from ....fia_core.prompts import NOUNS, Pair, noun_prompts, prompt_pairs
from ..denoising.progress import ENCODING, WARNING, say
from ..denoising.request import comma_doubts
from ..denoising.words import known_words, require_known_words, require_text_encoder
from ..model.layers import find_text_layers, require_writable
from ..model.lora import Lora, lora_names
from .captions import read_captions, written
from .tokens import Caption, pair

RIDGE_ONCE, RIDGE_EACH = 4.0, 12.0
"""λ of ``fia_core/closed_form.py`` where one layer reads the text for all blocks, and where each
block reads it, so that the changes add up. Small models wanted it so (docs/evidence.md)."""

PRESERVED = 1.0
"""p, likewise."""

FEW = 4
"""Contexts of each of many concepts; one name alone went as well with so few as with ten."""


@dataclass(frozen=True)
class Wish:
    """What a LoRA should do.

    Attributes:
        concepts: to forget.
        kind: of ``KINDS``.
        instead: what is drawn in their place; empty: what is there without them.
        kept: concepts of the same kind that should stay.
        amount: how much; λ is divided by it.
        rank: of the LoRA; 0: one for each concept.
    """

    concepts: tuple[str, ...]
    kind: str = "object"
    instead: str = ""
    kept: tuple[str, ...] = ()
    amount: float = 1.0
    rank: int = 0


def forget_lora(
    model: ModelPatcher, clip: CLIP | None, wish: Wish, node_id: str | None = None
) -> Lora:
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
    for name, layer in layers.items():
        require_writable(name, layer.weight, model.load_device)
    prompts = _prompts(clip, wish)

    say(ENCODING, node_id)
    bar = ProgressBar(len(prompts.all))
    read = read_captions(model, clip, prompts.all, bar.update_absolute)
    captions = dict(zip(prompts.all, read, strict=True))
    concepts = [_rows(pairs, captions) for pairs in prompts.pairs]
    change = _change(concepts, [captions[prompt] for prompt in prompts.stay], wish, len(layers))
    ups = written(model, clip, change.up.T, read[0].rows.dtype)
    lora = _lora(model, ups, change.down)

    seconds = time.monotonic() - began
    words = f"{len(layers)} layers, rank {len(change.down)}, {_kilobytes(lora)} in {seconds:.0f} s"
    if len(concepts) > 1:
        done = [change.done(*rows) for rows in concepts]
        words += f"; least forgotten: {wish.concepts[done.index(min(done))]}"
    _report(words, comma_doubts(wish.concepts), node_id)
    return lora


def with_lora(model: ModelPatcher, lora: Lora, strength: float) -> ModelPatcher:
    """A clone of ``model`` with a LoRA, as the host's Load LoRA Model makes it."""
    changed: Any = comfy.sd.load_lora_for_models(model, None, lora, strength, 0.0)[0]
    return changed


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


def _prompts(clip: CLIP, wish: Wish) -> _Prompts:
    require_known_words(clip, wish.concepts)
    require_known_words(clip, wish.kept, "keep")
    require_known_words(clip, (wish.instead,) if wish.instead else (), "instead")
    count = DEFAULT_CONTEXT_COUNT if len(wish.concepts) <= FEW else FEW
    contexts = default_contexts(wish.kind)[:count]
    pairs = [prompt_pairs(wish.kind, each, contexts, wish.instead) for each in wish.concepts]
    bases = [one.other for some in pairs for one in some]
    kept = [one.prompt for each in wish.kept for one in prompt_pairs(wish.kind, each, contexts)]
    nouns = noun_prompts(known_words(clip, NOUNS), (*wish.concepts, wish.instead))
    stay = [*dict.fromkeys([*bases, *kept, *nouns])]
    forgotten = [one.prompt for some in pairs for one in some]
    return _Prompts(pairs, stay, [*dict.fromkeys([*forgotten, *stay])])


def _change(
    concepts: Sequence[tuple[torch.Tensor, torch.Tensor]],
    stay: Sequence[Caption],
    wish: Wish,
    layers: int,
) -> TextChange:
    """The change of the text, from the rows of each concept and the captions that stay."""
    read, wanted = (torch.cat(rows) for rows in zip(*concepts, strict=True))
    if torch.equal(read, wanted):
        raise ValueError(
            "concepts: the text encoder reads the prompts with and without them alike, so there is "
            "nothing to remove. Check the spelling, or use another text encoder."
        )
    return change_text(
        read,
        wanted,
        torch.cat([caption.all_rows for caption in stay]).float(),
        ridge=(RIDGE_ONCE if layers == 1 else RIDGE_EACH) / wish.amount,
        rank=wish.rank or len(wish.concepts),
        preserve=PRESERVED,
    )


def _rows(group: Sequence[Pair], captions: dict[str, Caption]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of a concept's prompts and what they should be, (n, C) float32."""
    pairs = [pair(captions[one.prompt], captions[one.other]) for one in group]
    read, wanted = zip(*pairs, strict=True)
    return torch.cat(read).float(), torch.cat(wanted).float()


def _lora(model: ModelPatcher, ups: dict[str, torch.Tensor], down: torch.Tensor) -> Lora:
    """By the names of sd-scripts. Both halves are of one size, so that float16 holds them.

    Args:
        ups: (r, C_out), by the layer's name.
        down: (r, C).
    """
    names = lora_names(model)
    lora = {}
    for name, up in ups.items():
        key = names[f"{name}.weight"]
        even = (up.norm() / down.norm()).sqrt()
        lora[f"{key}.lora_up.weight"] = (up.T / even).half().contiguous()
        lora[f"{key}.lora_down.weight"] = (down * even).half().contiguous()
        lora[f"{key}.alpha"] = torch.tensor(float(len(down))).half()
    return lora


def _kilobytes(lora: Lora) -> str:
    return f"{sum(each.nbytes for each in lora.values()) / 1000:,.0f} KB"


def _report(result: str, notes: list[str], node_id: str | None) -> None:
    for note in notes:
        logging.warning("Forget LoRA: %s", note)
    say(f"{result}\n{WARNING} {' '.join(notes)}" if notes else result, node_id)
