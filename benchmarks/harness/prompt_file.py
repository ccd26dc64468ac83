"""Prompts from a file: a suite's own pictures to ask for, in place of templates."""

import csv
from functools import cache

from .suite import PromptFile, SuiteError


@cache
def read_prompts(source: PromptFile) -> tuple[tuple[str, int], ...]:
    """The file's prompts as they stand there, and the seed of each, 0 where the file has none; each
    pair once. A CSV file has columns, any other one prompt a line.

    Raises:
        SuiteError: the file is not there, has no such column, or holds no prompt.
    """
    path = source.path
    if not path.is_file():
        raise SuiteError(f"prompt_file: {path} is not there; the README beside the suite says more")
    with path.open(encoding="utf-8-sig", newline="") as file:
        is_table = path.suffix.lower() == ".csv"
        asked = _of_table(source, csv.DictReader(file)) if is_table else _of_lines(file.read())
    asked = [(prompt, seed) for prompt, seed in dict.fromkeys(asked) if prompt]
    if not asked:
        raise SuiteError(f"prompt_file: {path.name} holds no prompt")
    return tuple(asked[: source.first or None])


def _of_lines(text: str) -> list[tuple[str, int]]:
    return [(line.strip(), 0) for line in text.split("\n")]


def _of_table(source: PromptFile, rows: "csv.DictReader[str]") -> list[tuple[str, int]]:
    columns = rows.fieldnames or ()
    for column in (source.prompt, source.seed):
        if column and column not in columns:
            known = ", ".join(columns)
            raise SuiteError(f"prompt_file: {source.file} has no column {column!r}; it has {known}")
    found = []
    for row in rows:
        seed = row[source.seed] if source.seed else "0"
        try:
            found.append(((row[source.prompt] or "").strip(), int(seed)))
        except (TypeError, ValueError):  # a short line has None
            message = f"prompt_file: {source.file}: the seed {seed!r} is no whole number"
            raise SuiteError(message) from None
    return found
