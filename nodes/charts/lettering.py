"""Text of any size with the font that Pillow carries, so that it looks the same everywhere."""

import unicodedata
from bisect import bisect_right
from functools import lru_cache
from math import ceil

from PIL import Image, ImageDraw, ImageFont

BITMAP_SIZE = 11  # pixels, of the only font of Pillow before 10.1 or without FreeType
ELLIPSIS = "..."


def text_width(text: str, size: int) -> float:
    """Width of ``text`` in pixels at ``size`` pixels."""
    font, scale = _font(size)
    return font.getlength(_drawable(text)) * scale


def fitted(text: str, size: int, width: float) -> str:
    """``text``, shortened at its end until it is at most ``width`` pixels wide."""
    if text_width(text, size) <= width:
        return text
    kept = bisect_right(
        range(1, len(text)), width, key=lambda length: text_width(text[:length] + ELLIPSIS, size)
    )
    return text[:kept].rstrip() + ELLIPSIS


def text_mask(text: str, size: int) -> Image.Image:
    """``text`` as coverage, mode L, as high for all texts of a size."""
    font, scale = _font(size)
    text = _drawable(text)
    height = ceil(1.25 * size / scale)
    mask = Image.new("L", (max(1, ceil(font.getlength(text))), height))
    ImageDraw.Draw(mask).text((0, 0), text, fill=255, font=font)
    if scale == 1:
        return mask
    return mask.resize((ceil(mask.width * scale), ceil(mask.height * scale)))


@lru_cache(maxsize=32)
def _font(size: int) -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, float]:
    """The font and what to enlarge its pixels by."""
    try:
        return ImageFont.load_default(size), 1
    except (TypeError, ImportError):  # before Pillow 10.1; without FreeType
        return ImageFont.load_default(), size / BITMAP_SIZE


def _drawable(text: str) -> str:
    """``text`` in the font's characters, which are ASCII: é becomes e, 木 becomes ?."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return plain.encode("ascii", "replace").decode("ascii")
