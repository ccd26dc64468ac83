"""Before-and-after pictures on one sheet."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

COLUMNS = 10
SIDE = 128
GAP = 6
TITLE = 22
LEFT = 96
PAPER = "white"
FORGOTTEN_INK = "#c02020"
KEPT_INK = "#202020"


def before_after_sheet(
    rows: Sequence[tuple[str, Image.Image, Image.Image]], forgotten: Sequence[str], method: str
) -> Image.Image:
    """One column an object: its name, the picture before, the picture after.

    Args:
        rows: object, picture before, picture after.
        forgotten: the objects whose names are written in red.
        method: that forgot.
    """
    band = TITLE + 2 * (SIDE + GAP) + GAP
    bands = -(-len(rows) // COLUMNS)
    width = LEFT + min(COLUMNS, len(rows)) * (SIDE + GAP)
    sheet = Image.new("RGB", (width, bands * band), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    for number, (name, before, after) in enumerate(rows):
        x = LEFT + number % COLUMNS * (SIDE + GAP)
        y = number // COLUMNS * band
        ink = FORGOTTEN_INK if name in forgotten else KEPT_INK
        draw.text((x + SIDE / 2, y + TITLE / 2), name, ink, font, anchor="mm")
        for title, picture, top in (
            ("plain model", before, y + TITLE),
            (method, after, y + TITLE + SIDE + GAP),
        ):
            sheet.paste(picture.resize((SIDE, SIDE)), (x, top))
            if number % COLUMNS == 0:
                draw.text((LEFT - GAP, top + SIDE / 2), title, KEPT_INK, font, anchor="rm")
    return sheet
