"""Pictures named blind: numbered sheets on which nobody sees what drew which, and what readers
named on them, kept with the rows as one more judge."""

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
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

Tile = tuple[Run, Shot]


def tiles(suite: Suite, labels: Collection[str]) -> list[Tile]:
    """The pictures of the suite's first group by methods of these labels, all where empty, and the
    base model's, in an order that is always the same and says nothing."""
    require_labels(suite, labels)
    group, found = suite.groups[0], list[Tile]()
    for entry in suite.entries:
        if labels and entry.label not in (BASE, *labels):
            continue
        origin = origin_of(suite, entry, None if entry.label == BASE else group)
        for seed in suite.seeds[:SEEDS]:
            shots = group_shots(suite, group, suite.conditions[0], seed)
            found += [(origin, shot) for shot in shots]
    random.Random(suite.name).shuffle(found)
    return found


def sheets(some: Sequence[Tile], places: Places) -> Iterable[Image.Image]:
    """The tiles, each under its number.

    Raises:
        FileNotFoundError: a picture was not drawn here.
    """
    font = ImageFont.truetype(findfont(FONT), 16)
    width, height = SIDE + GAP, SIDE + HEAD + GAP
    for first in range(0, len(some), ACROSS * DOWN):
        sheet = Image.new("RGB", (ACROSS * width, DOWN * height), PAPER)
        draw = ImageDraw.Draw(sheet)
        for place, tile in enumerate(some[first : first + ACROSS * DOWN]):
            x, y = place % ACROSS * width, place // ACROSS * height
            draw.text((x + SIDE / 2, y + 2), str(first + place + 1), "black", font, "mt")
            with Image.open(places.picture(*tile)) as picture:
                sheet.paste(picture.convert("RGB").resize((SIDE, SIDE)), (x, y + HEAD))
        yield sheet


def answers(path: Path, count: int) -> dict[int, str]:
    """What a reader named, by the tile's number.

    Args:
        path: a line a tile: its number and a name, or anything else where it shows none.
        count: of the tiles.

    Raises:
        ValueError: a tile has no line; the message names the file and the tile.
    """
    lines = [line.split(maxsplit=1) for line in path.read_text("utf-8").splitlines() if line]
    named = {int(number): name.strip() for number, name in lines}
    for number in range(1, count + 1):
        if number not in named:
            raise ValueError(f"{path}: has no line for tile {number}; add one, such as 17 church.")
    return named


def take(rows: Rows, some: Sequence[Tile], readers: Sequence[Mapping[int, str]], kind: str) -> None:
    """Keep of each tile whether more than half of the readers named what was asked for.

    Args:
        rows: that hold the tiles' pictures.
        kind: what the suite forgets, "object" or "style".
    """
    for number, (run, shot) in enumerate(some, 1):
        named = Counter(reader[number] for reader in readers)
        is_found = 2 * named[shot.shows(kind)] > len(readers)
        rows.pictures[run, shot].values[BY_EYE] = float(is_found)
