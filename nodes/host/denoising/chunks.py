"""Chunks of a batch of prompts, each for one denoiser call, and the host's conditionings of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy.conds import CONDList, CONDRegular


@dataclass(frozen=True)
class Chunk:
    """Prompts of one denoiser call.

    Attributes:
        rows: of the batch.
        entry: position of the positive conditioning's entry that holds them all.
        entry_rows: of the batch that this entry is for.
    """

    rows: range
    entry: int
    entry_rows: range


def cut_into_chunks(entries: Sequence[int], chunk: int) -> list[Chunk]:
    """Cut a batch into chunks of at most ``chunk`` prompts.

    Args:
        entries: rows of each of the conditioning's entries.
    """
    chunks = []
    stop = 0
    for entry, rows in enumerate(entries):
        entry_rows = range(stop, stop + rows)
        stop = entry_rows.stop
        chunks += [
            Chunk(range(first, min(first + chunk, stop)), entry, entry_rows)
            for first in entry_rows[::chunk]
        ]
    return chunks


def conds_of_chunk(
    conds: list[list[dict[str, Any]] | None], chunk: Chunk, prompts: int
) -> list[list[dict[str, Any]] | None]:
    """The conditionings of a chunk: every tensor with a row per prompt is cut.

    Args:
        conds: the positive ones, an entry for each size of prompts, then others for all prompts.
        chunk: of the batch.
        prompts: rows of the batch.
    """
    positive, *others = conds
    own = [positive[chunk.entry]] if positive else positive
    return [
        None
        if group is None
        else [
            {
                **cond,
                "model_conds": {
                    name: _take_cond(entry, chunk, prompts)
                    for name, entry in cond["model_conds"].items()
                },
            }
            for cond in group
        ]
        for group in (own, *others)
    ]


def _take_cond(entry: CONDRegular, chunk: Chunk, prompts: int) -> CONDRegular:
    """The rows of a chunk in one value; values that are for all prompts stay as they are."""
    if isinstance(entry, CONDList):
        return CONDList([_take_rows(part, chunk, prompts) for part in entry.cond])
    if torch.is_tensor(entry.cond) and entry.cond.ndim > 0:
        return type(entry)(_take_rows(entry.cond, chunk, prompts))
    return entry


def _take_rows(tensor: torch.Tensor, chunk: Chunk, prompts: int) -> torch.Tensor:
    """The rows of a chunk, where the tensor has rows for its entry or for the whole batch."""
    for rows in (chunk.entry_rows, range(prompts)):
        if len(tensor) == len(rows):
            start = chunk.rows.start - rows.start
            return tensor[start : start + len(chunk.rows)]
    return tensor
