"""Shots: a picture to ask for, and all pictures of a group at a seed."""

import csv
from dataclasses import dataclass
from functools import cache

from demo_model.vocabulary import with_article

from .suite import Condition, Group, PromptFile, Suite, SuiteError


@dataclass(frozen=True)
class Shot:
    """One picture to ask for; what the prompt does not name is empty."""

    object: str
    scene: str
    style: str
    prompt: str
    seed: int
    condition: str = ""

    def shows(self, kind: str) -> str:
        """The object or the style that it asks for."""
        return self.object if kind == "object" else self.style


def group_shots(
    suite: Suite, group: Group, condition: Condition, seed: int, template: str = ""
) -> tuple[Shot, ...]:
    """``forgotten_scenes`` for what is forgotten, ``kept_scenes`` for what should stay.

    Which contexts a concept gets depends on the seed and on its place in the suite, not on the
    group, so that all groups share their pictures of the base model. With a ``template`` of the
    suite's prompts, only its shots. A file's prompts are asked for as they are.
    """
    if suite.prompt_file:
        return _shots_of_file(suite, suite.prompt_file, group, condition, seed)
    templates = (template,) if template else suite.prompts
    contexts = suite.contexts
    shots: list[Shot] = []
    for number, concept in enumerate(suite.concepts):
        if concept in group.concepts:
            count = suite.forgotten_scenes
        elif concept in group.kept:
            count = suite.kept_scenes
        else:
            continue
        first, own = number + seed, seed + number * suite.own_noise
        shots += [
            _shot(suite, template, concept, contexts[place % len(contexts)], own, condition)
            for place in range(first, first + count)
            for template in templates
        ]
    return tuple(dict.fromkeys(shots))


def base_shots(suite: Suite, condition: Condition, seed: int) -> tuple[Shot, ...]:
    """Everything that any group asks for."""
    shots = [shot for group in suite.groups for shot in group_shots(suite, group, condition, seed)]
    return tuple(dict.fromkeys(shots))


def _misspelt(name: str) -> str:
    """The name with the second and third letter of its longest word exchanged: ``"chruch"``."""
    words = name.split()
    longest = max(words, key=len)
    wrong = longest[:1] + longest[2:3] + longest[1:2] + longest[3:]
    return " ".join(wrong if word == longest else word for word in words)


def _shots_of_file(
    suite: Suite, source: PromptFile, group: Group, condition: Condition, seed: int
) -> tuple[Shot, ...]:
    shows = source.shows
    if shows not in (*group.concepts, *group.kept):
        return ()
    object, style = (shows, "") if suite.concept == "object" else ("", shows)
    return tuple(
        Shot(object, "", style, prompt, own + seed, condition.name)
        for prompt, own in read_prompts(source)  # pyright: ignore[reportArgumentType] frozen, so hashable
    )


def _shot(
    suite: Suite, template: str, concept: str, context: str, seed: int, condition: Condition
) -> Shot:
    if suite.concept == "object":
        object, scene, style = concept, context, ""
    else:
        object, scene, style = context, "", concept
    prompt = template.format(
        object=with_article(object),
        misspelt=with_article(_misspelt(object)),
        scene=with_article(scene) if scene else "",
        style=style,
    )
    return Shot(object, scene, style, prompt, seed, condition.name)


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
