"""Parts of a picture, drawn one by one and set under each other."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from .lettering import fitted, text_mask
from .palette import GROUND, QUIET_TEXT, TEXT, Colour, shade

WIDTH = 800  # pixels; a node shows the pictures at about half of it
MARGIN = 20
BODY = 22  # text that can still be read at half of its size
SMALL = 18
TITLE = 28


class Canvas:
    """One part of a picture, as wide as the whole.

    Coordinates are pixels from the upper left corner; a rectangle's right and lower ends are
    outside it.

    Args:
        height: in pixels.
    """

    def __init__(self, height: int) -> None:
        self.image = Image.new("RGB", (WIDTH, height), GROUND)
        self._draw = ImageDraw.Draw(self.image)

    def rectangle(
        self, left: float, top: float, right: float, bottom: float, colour: Colour
    ) -> None:
        """Fill a rectangle; one narrower than half a pixel is left out."""
        x, y, end_x, end_y = round(left), round(top), round(right), round(bottom)
        if end_x > x and end_y > y:
            self._draw.rectangle((x, y, end_x - 1, end_y - 1), fill=colour)

    def text(
        self,
        x: float,
        middle: float,
        text: str,
        size: int = BODY,
        colour: Colour = TEXT,
        align: float = 0.0,
        width: float = WIDTH,
    ) -> float:
        """Write a line of text.

        Args:
            x: where it starts; with ``align`` 0.5 its middle, with 1 its end.
            middle: the height of its middle.
            size: in pixels.
            align: see ``x``.
            width: longer text is shortened to it.

        Returns:
            Where it ends.
        """
        mask = text_mask(fitted(text, size, width), size)
        left = round(x - align * mask.width)
        self.image.paste(colour, (left, round(middle - mask.height / 2)), mask)
        return left + mask.width

    def key(self, x: float, middle: float, colour: Colour, name: str) -> float:
        """A patch of a colour and what it stands for; returns where the next may start."""
        self.rectangle(x, middle - 8, x + 16, middle + 8, colour)
        return self.text(x + 24, middle, name, SMALL) + 24

    def scale(self, x: float, middle: float, largest: str, name: str) -> float:
        """The colours from 0 to ``largest``; returns where the next may start."""
        x = self.text(x, middle, f"{name} 0", SMALL, QUIET_TEXT) + 6
        for column in range(80):
            self.rectangle(x + column, middle - 7, x + column + 1, middle + 7, shade(column / 79))
        return self.text(x + 86, middle, largest, SMALL, QUIET_TEXT) + 24


def heading(title: str, lines: Sequence[str]) -> Image.Image:
    """A title and quieter lines below it."""
    canvas = Canvas(56 + 28 * len(lines))
    inner = WIDTH - 2 * MARGIN
    canvas.text(MARGIN, 30, title, TITLE, width=inner)
    for number, line in enumerate(lines):
        canvas.text(MARGIN, 66 + 28 * number, line, BODY, QUIET_TEXT, width=inner)
    return canvas.image


def stacked(parts: Sequence[Image.Image], height: int) -> Image.Image:
    """The parts under each other, on ``height`` pixels and a margin at the end."""
    whole = Image.new("RGB", (WIDTH, height + MARGIN), GROUND)
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole


def percent(share: float) -> str:
    """A share with about two digits that count: 0.045 %, 0.45 %, 4.5 %, 45 %."""
    hundred = 100 * share
    limits = (9.95, 0.995, 0.0995)  # below them one, two, three decimals
    decimals = sum(0 < hundred < limit for limit in limits)
    return f"{hundred:.{decimals}f} %"
