"""Prompts from a file: a suite's own pictures to ask for, in place of templates."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .suite import PromptFile, SuiteError

DELIMITERS = {".csv": ",", ".tsv": "\t"}
"""By the file's ending; a file with another holds one prompt a line."""


@dataclass(frozen=True)
class Asked:
    """One line of the file.

    Attributes:
        prompt: as it stands there.
        seed: of its own, to which a suite's seeds are added; 0 where the file has none.
    """

    prompt: str
    seed: int


@cache
def read_prompts(source: PromptFile) -> tuple[Asked, ...]:
    """The file's prompts, each pair of prompt and seed once.

    Raises:
        SuiteError: the file is not there, has no such column, or holds no prompt.
    """
    path = source.path
    if not path.is_file():
        raise SuiteError(f"prompt_file: {path} is not there; the README beside the suite says more")
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read()
    delimiter = DELIMITERS.get(path.suffix.lower())
    if delimiter is None:
        asked = [Asked(line.strip(), 0) for line in text.split("\n")]
    else:
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        columns = rows.fieldnames or ()
        for column in (source.prompt, source.seed):
            if column and column not in columns:
                raise SuiteError(
                    f"prompt_file: {path.name} has no column {column!r}; it has "
                    f"{', '.join(columns)}"
                )
        asked = [
            Asked((row[source.prompt] or "").strip(), _seed(row, source.seed, path)) for row in rows
        ]
    asked = [one for one in dict.fromkeys(asked) if one.prompt]
    if not asked:
        raise SuiteError(f"prompt_file: {path.name} holds no prompt")
    return tuple(asked[: source.first or None])


def _seed(row: Mapping[str, str], column: str, path: Path) -> int:
    try:
        return int(row[column]) if column else 0
    except (TypeError, ValueError):  # a short line has None
        raise SuiteError(
            f"prompt_file: {path.name}: the seed {row[column]!r} is no whole number"
        ) from None
