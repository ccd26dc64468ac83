"""Labelled pictures in rows, as one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

LABEL_SIZE = 20  # pixels
LABEL_PLACE = (8, 8)  # of its plate in a picture
PLATE = (40, 40, 40, 210)
JPEG_QUALITY = 84


@dataclass(frozen=True)
class Look:
    """How the pictures lie.

    Attributes:
        side: of a square picture, pixels.
        gap: between pictures, pixels.
        title: height of a line with the label above each picture; 0 puts the label into it.
    """

    side: int
    gap: int = 12
    title: int = 0
    paper: str = "white"
    ink: str = "black"


def tiled(rows: Sequence[Sequence[tuple[str, Image.Image]]], look: Look) -> Image.Image:
    """One picture of rows of (label, picture), all rows equally long; an empty label is none."""
    across, down = look.side + look.gap, look.side + look.title + look.gap * (not look.title)
    size = (len(rows[0]) * across - look.gap, len(rows) * down - look.gap * (not look.title))
    sheet = Image.new("RGB", size, look.paper)
    for row, pictures in enumerate(rows):
        for column, (label, picture) in enumerate(pictures):
            x, y = column * across, row * down
            large = picture.resize((look.side, look.side), Image.Resampling.LANCZOS)
            sheet.paste(large, (x, y + look.title))
            if look.title:
                place = (x + look.side / 2, y + look.title / 2)
                font = ImageFont.load_default(0.65 * look.title)
                ImageDraw.Draw(sheet).text(place, label, look.ink, font, anchor="mm")
            elif label:
                put_label(sheet, label, (x + LABEL_PLACE[0], y + LABEL_PLACE[1]))
    return sheet


def put_label(sheet: Image.Image, label: str, place: tuple[int, int]) -> None:
    """Write ``label`` in white on a dark plate whose upper left corner is ``place``."""
    font = ImageFont.load_default(LABEL_SIZE)
    width, height = round(font.getlength(label)) + LABEL_SIZE, round(1.5 * LABEL_SIZE)
    plate = Image.new("L", (4 * width, 4 * height))  # four times as large: smooth corners
    ImageDraw.Draw(plate).rounded_rectangle((0, 0, *plate.size), 2 * height, PLATE[3])
    sheet.paste(PLATE[:3], place, plate.resize((width, height)))
    middle = (place[0] + width / 2, place[1] + height / 2)
    ImageDraw.Draw(sheet).text(middle, label, "white", font, anchor="mm")


def save_small(picture: Image.Image, file: Path, colours: int = 256) -> None:
    """Save as the file's name says, JPEG or PNG with so many colours (by k-means, which keeps those
    of thin wires)."""
    if file.suffix == ".png":
        picture.quantize(colours, kmeans=1, dither=Image.Dither.NONE).save(file, optimize=True)
    else:
        picture.save(file, quality=JPEG_QUALITY, optimize=True)
