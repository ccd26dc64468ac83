"""Prompts from a file: a suite's own pictures to ask for, in place of templates."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .suite import NOTHING, PromptFile, SuiteError
from .toml_values import number_of, require_known, table_of, text_of

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


def parse_prompt_file(content: Mapping[str, Any], folder: Path) -> PromptFile | None:
    """The table ``[prompt_file]``; None where it is missing. The file itself is read later.

    Args:
        content: of the suite's file.
        folder: that the file's name is relative to.

    Raises:
        SuiteError: a key is unknown, missing or of another type.
    """
    table = table_of(content, "prompt_file")
    if not table:
        return None
    where = "prompt_file: "
    require_known(table, {"file", "prompt", "seed", "shows", "first"}, where)
    first = number_of(table, "first", default=0)
    if first < 0:
        raise SuiteError(f"{where}first: is {first}; give 1 or more, or leave it out for all")
    return PromptFile(
        path=folder / text_of(table, "file", where=where),
        prompt=text_of(table, "prompt", default="prompt", where=where),
        seed=text_of(table, "seed", default="", where=where),
        shows=text_of(table, "shows", default=NOTHING, where=where),
        first=first,
    )


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
