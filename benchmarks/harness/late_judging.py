"""Judges that a suite has gained look at the pictures that were drawn before."""

from collections import defaultdict
from pathlib import Path

from PIL import Image

from . import registry
from .drawing import as_batch
from .ledger import Ledger, Origin, Row
from .places import Places
from .shots import Shot
from .suite import Suite

PICTURES_AT_ONCE = 64


def judge_drawn(suite: Suite, ledger: Ledger, places: Places) -> int:
    """Add the rows that are missing of the suite's judges, but for those that compare two pictures.

    Draws nothing; rows keep the origin that their picture has. How many rows that was.

    Raises:
        MissingError: a judge lacks a package or weights.
        ValueError: a picture of a row is not there.
    """
    drawn: dict[Origin, dict[Shot, float]] = defaultdict(dict)
    for row in ledger.rows:
        if row.shot.prompt:
            drawn[row.origin][row.shot] = row.seconds
    before = len(ledger.rows)
    for name in suite.judges:
        if registry.judge(name).compares:
            continue
        unseen = [
            (origin, shot, seconds, places.picture(origin, shot))
            for origin, shots in drawn.items()
            for shot, seconds in shots.items()
            if not ledger.has(origin, shot, name)
        ]
        lost = [path for *_, path in unseen if not path.exists()]
        if lost:
            raise ValueError(f"{suite.name}: {len(lost)} pictures are not there, as {lost[0]}")
        if not unseen:
            continue
        look = registry.judge(name).load()
        for start in range(0, len(unseen), PICTURES_AT_ONCE):
            part = unseen[start : start + PICTURES_AT_ONCE]
            pictures = as_batch([_opened(path) for *_, path in part])
            values = look(pictures, [shot for _, shot, *_ in part], None)
            ledger.add(
                Row(origin, shot, name, value, seconds)
                for (origin, shot, seconds, _), value in zip(part, values, strict=True)
            )
    return len(ledger.rows) - before


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")
