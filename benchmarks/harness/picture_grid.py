"""A grid of a suite's pictures: a row a method, a column a prompt."""

from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from textwrap import fill

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from . import registry
from .picture_sets import picture_file
from .places import Places
from .runner import require_labels
from .shots import Shot, group_shots
from .suite import Entry, Group, Suite

COLUMNS = 6
"""At most this number of what is forgotten, and as many of what is kept."""

FONT = "DejaVu Sans"  # comes with matplotlib, and has the Greek letters of settings
SIDE, GAP, BETWEEN = 96, 4, 20
LEFT, LINE_HEIGHT = 170, 16
HEAD_WIDTH, TITLE_WIDTH = 17, 22  # in letters
PAPER, FORGOTTEN_INK, KEPT_INK = "white", "#c02020", "#202020"

Column = tuple[Group, Shot]
"""A picture of a method after it forgot the group."""


def picture_grid(suite: Suite, places: Places, methods: Collection[str] = ()) -> Image.Image:
    """The suite's first group at its first seed; of ``methods``, or of all, every one that
    has drawn all of it.

    Columns are every prompt and condition that asks for ``suite.grid``; where that is empty, the
    first prompt of the first ``COLUMNS`` concepts that are forgotten, and of as many that are kept.
    Where each group forgets one concept, that of each of the first groups, and the first that it
    keeps.

    Raises:
        ValueError: there are no pictures, or a method is not in the suite.
    """
    require_labels(suite, methods)
    columns = _columns(suite)
    rows: list[tuple[Entry, list[Path]]] = []
    for entry in suite.entries:
        if methods and entry.label not in methods:
            continue
        files = [picture_file(suite, places, entry, *column) for column in columns]
        if all(file.exists() for file in files):
            rows.append((entry, files))
    if not rows:
        raise ValueError(
            f"{suite.name}: there are no pictures in results/; "
            f"python3 benchmarks/run.py {suite.name} draws them."
        )
    return _sheet(suite, columns, rows)


def _columns(suite: Suite) -> list[Column]:
    """What is shown of each method."""
    group = suite.groups[0]
    if suite.grid:
        return [(group, shot) for shot in _every_prompt(suite, group)]
    if len(suite.groups) == 1 or any(len(group.concepts) > 1 for group in suite.groups):
        return [(group, shot) for part in _first_prompts(suite, group) for shot in part[:COLUMNS]]
    some = suite.groups[:COLUMNS]
    found = [(group, *_first_prompts(suite, group)) for group in some]
    gone = [(group, forgotten[0]) for group, forgotten, _ in found]
    return gone + [(group, kept[0]) for group, _, kept in found]


def _first_prompts(suite: Suite, group: Group) -> tuple[list[Shot], list[Shot]]:
    """Of what is forgotten and of what is kept."""
    first: dict[str, Shot] = {}
    for shot in group_shots(suite, group, suite.conditions[0], suite.seeds[0]):
        first.setdefault(shot.shows(suite.concept), shot)
    forgotten = [shot for concept, shot in first.items() if concept in group.concepts]
    kept = [shot for concept, shot in first.items() if concept in group.kept]
    return forgotten, kept


def _every_prompt(suite: Suite, group: Group) -> list[Shot]:
    return [
        shot
        for condition in suite.conditions
        for shot in group_shots(suite, group, condition, suite.seeds[0])
        if shot.shows(suite.concept) == suite.grid
    ]


def _sheet(
    suite: Suite, columns: Sequence[Column], rows: Sequence[tuple[Entry, list[Path]]]
) -> Image.Image:
    """Prompts above, those that ask for what is forgotten in red, over them the condition where it
    changes; methods at the left."""
    shots = [shot for _, shot in columns]
    gone = [shot.shows(suite.concept) in group.concepts for group, shot in columns]
    heads = [fill(shot.prompt, HEAD_WIDTH) for shot in shots]
    conditions = _conditions(shots)
    above, below = (_height(texts) for texts in (conditions.values(), heads))
    top = GAP + above + below
    parts = zip(gone, (shot.condition for shot in shots), strict=True)
    steps = [SIDE + GAP + BETWEEN * (part != before) for before, part in pairwise(parts)]
    lefts = [*accumulate(steps, initial=LEFT)]
    size = (lefts[-1] + SIDE + GAP, top + len(rows) * (SIDE + GAP))
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    small, font = (ImageFont.truetype(findfont(FONT), size) for size in (10, 12))
    for column, condition in conditions.items():
        draw.multiline_text((lefts[column], GAP), condition, KEPT_INK, small)
    for head, forgotten, x in zip(heads, gone, lefts, strict=True):
        ink = FORGOTTEN_INK if forgotten else KEPT_INK
        draw.multiline_text((x + SIDE / 2, top - GAP), head, ink, small, "md", align="center")
    for row, (entry, files) in enumerate(rows):
        y = top + row * (SIDE + GAP)
        title = fill(registry.entry_title(entry), TITLE_WIDTH)
        draw.multiline_text((LEFT - 8, y + SIDE / 2), title, KEPT_INK, font, "rm", align="right")
        for file, x in zip(files, lefts, strict=True):
            with Image.open(file) as picture:
                sheet.paste(picture.convert("RGB").resize((SIDE, SIDE)), (x, y))
    return sheet


def _conditions(shots: Sequence[Shot]) -> dict[int, str]:
    """Titles over the first column of each condition, as wide as its columns."""
    names = [shot.condition for shot in shots]
    return {
        names.index(name): fill(name, HEAD_WIDTH * names.count(name))
        for name in dict.fromkeys(names)
        if name
    }


def _height(texts: Iterable[str]) -> int:
    """The height of the tallest text, in pixels; 0 without any."""
    return LINE_HEIGHT * max((text.count("\n") + 1 for text in texts), default=0)
