"""Pictures named blind: numbered sheets on which nobody sees what drew which, and what was named
on them, kept with the rows as one more judge."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from benchmarks.judges.by_eye import BY_EYE

from .picture_grid import FONT, GAP, PAPER
from .places import Places
from .rows import Rows, Run
from .runner import origin_of, require_labels
from .shots import Shot, group_shots
from .suite import BASE, Suite

SEEDS = 2
"""So many of the suite's seeds are read, its first."""

ACROSS, DOWN, SIDE, HEAD = 6, 5, 240, 22

NO_NAME = "none"
"""A reader's word where no name fits."""

Tile = tuple[Run, Shot]


def tiles(suite: Suite, labels: Collection[str]) -> dict[int, Tile]:
    """The pictures of the suite's first group by methods of these labels, all where empty, and the
    base model's, by their numbers, which are always the same and say nothing."""
    require_labels(suite, labels)
    group, found = suite.groups[0], list[Tile]()
    for entry in suite.entries:
        origin = origin_of(suite, entry, None if entry.label == BASE else group)
        for seed in suite.seeds[:SEEDS]:
            shots = group_shots(suite, group, suite.conditions[0], seed)
            found += [(origin, shot) for shot in shots]
    random.Random(suite.name).shuffle(found)
    wanted = {BASE, *labels} if labels else {entry.label for entry in suite.entries}
    return {number: tile for number, tile in enumerate(found, 1) if tile[0].method in wanted}


def sheets(some: Mapping[int, Tile], places: Places) -> Iterable[Image.Image]:
    """The tiles, each under its number.

    Raises:
        FileNotFoundError: a picture was not drawn here.
    """
    font = ImageFont.truetype(findfont(FONT), 16)
    width, height = SIDE + GAP, SIDE + HEAD + GAP
    numbered = list(some.items())
    for first in range(0, len(numbered), ACROSS * DOWN):
        sheet = Image.new("RGB", (ACROSS * width, DOWN * height), PAPER)
        draw = ImageDraw.Draw(sheet)
        for place, (number, tile) in enumerate(numbered[first : first + ACROSS * DOWN]):
            x, y = place % ACROSS * width, place // ACROSS * height
            draw.text((x + SIDE / 2, y + 2), str(number), "black", font, "mt")
            with Image.open(places.picture(*tile)) as picture:
                sheet.paste(picture.convert("RGB").resize((SIDE, SIDE)), (x, y + HEAD))
        yield sheet


def answers(path: Path, numbers: Collection[int], names: Collection[str]) -> dict[int, str]:
    """What a reader named, by the tile's number.

    Args:
        path: a line a tile: its number, and a name or ``NO_NAME``.
        numbers: of the tiles.
        names: that a tile may show.

    Raises:
        ValueError: a line says something else, or a tile has none or two; the message names it.
    """
    named: dict[int, str] = {}
    for line in path.read_text("utf-8").splitlines():
        number, _, name = line.strip().partition(" ")
        if not number:
            continue
        if not number.isdecimal() or name not in (*names, NO_NAME):
            known = ", ".join(names)
            raise ValueError(f"{path}: {line!r}: write a number and {NO_NAME} or one of {known}.")
        if int(number) not in numbers or int(number) in named:
            raise ValueError(f"{path}: {line!r}: no sheet has this tile, or it stands here twice.")
        named[int(number)] = name
    for number in numbers:
        if number not in named:
            raise ValueError(f"{path}: has no line for tile {number}; add one.")
    return named


def take(
    rows: Rows, some: Mapping[int, Tile], readings: Sequence[Mapping[int, str]], kind: str
) -> None:
    """Keep of each tile whether more than half of the readings named what was asked for.

    Args:
        rows: that hold the tiles' pictures.
        kind: what the suite forgets, "object" or "style".
    """
    for number, (run, shot) in some.items():
        found = sum(reading[number] == shot.shows(kind) for reading in readings)
        rows.pictures[run, shot].values[BY_EYE] = float(2 * found > len(readings))


def agreement(readings: Sequence[Mapping[int, str]]) -> list[float]:
    """Of each two readings the share of tiles on which they name the same."""
    return [
        sum(one[number] == other[number] for number in one) / len(one)
        for one, other in combinations(readings, 2)
    ]
