"""Which concept loses most with which other, before any picture is made."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from ...fia_core import ConceptOverlap
from .canvas import BODY, MARGIN, SMALL, WIDTH, Canvas, percent
from .palette import NOTHING, PRUNED

MOST = 12
"""Hints of a kind in the picture; the table has all."""

BAR = MARGIN + 200  # pixels
BAR_WIDTH = 200
TEXT = BAR + BAR_WIDTH + 12
ROW = 32
TITLE = 44


@dataclass(frozen=True)
class Hint:
    """Weights that a concept loses, or takes from another.

    Attributes:
        concept: whom the hint is for.
        share: of the losing concept's own weights.
        text: beside the bar.
    """

    concept: str
    share: float
    text: str


def hint_bars(overlap: ConceptOverlap) -> list[Image.Image]:
    """Weights that forgetting a concept takes from others, and losses of those that should stay."""
    parts = [
        _bars(
            f"When each is forgotten, which {overlap.others} loses most of its own", _taken(overlap)
        ),
        _bars("What concepts that should stay lose of their own", _lost(overlap)),
    ]
    return [part for part in parts if part is not None]


def _taken(overlap: ConceptOverlap) -> list[Hint]:
    hints = []
    for number, name in enumerate(overlap.names):
        if overlap.forgotten[number]:
            hit = overlap.hardest_hit(number)
            text = f"{percent(hit.share)} of {overlap.names[hit.concept]}" if hit else "none"
            hints.append(Hint(name, hit.share if hit else 0.0, text))
    return hints


def _lost(overlap: ConceptOverlap) -> list[Hint]:
    hints = []
    for number, name in enumerate(overlap.names):
        if not overlap.forgotten[number]:
            lost, cause = float(overlap.lost[number]), overlap.main_cause(number)
            most = f", most with {overlap.names[cause.concept]}" if cause else ""
            hints.append(Hint(name, lost, f"{percent(lost)}{most}"))
    return hints


def _bars(title: str, hints: Sequence[Hint]) -> Image.Image | None:
    """A bar for each hint, the largest share first; None where there are no hints."""
    if not hints:
        return None
    shown = sorted(hints, key=lambda hint: -hint.share)[:MOST]
    more = f" ({len(hints) - MOST} more in the table)" if len(hints) > MOST else ""
    largest = shown[0].share
    canvas = Canvas(TITLE + len(shown) * ROW)
    canvas.text(MARGIN, 24, title + more, BODY, width=WIDTH - 2 * MARGIN)
    for number, hint in enumerate(shown):
        top = TITLE + number * ROW
        middle = top + ROW / 2
        end = BAR + BAR_WIDTH * hint.share / (largest or 1)
        canvas.text(MARGIN, middle, hint.concept, SMALL, width=BAR - MARGIN - 8)
        canvas.rectangle(BAR, top + 5, BAR + BAR_WIDTH, top + ROW - 5, NOTHING)
        canvas.rectangle(BAR, top + 5, end, top + ROW - 5, PRUNED)
        canvas.text(TEXT, middle, hint.text, SMALL, width=WIDTH - MARGIN - TEXT)
    return canvas.image
