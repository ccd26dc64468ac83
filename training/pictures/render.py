"""Labelled pictures: glyphs of Noto Color Emoji over procedural scenes."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from demo_model.vocabulary import OBJECTS, SCENES, STYLES

from .font import FONT
from .scenes import paint_scene
from .styles import apply_style

GLYPH_SIDE = 109  # the only size at which this bitmap font can be drawn, in pixels
SIZE = 128
THICKENED = {"bicycle": 3}  # pixels of GLYPH_SIDE added round strokes finer than a latent cell


@dataclass(frozen=True)
class Content:
    """What a picture shows; an empty style is the plain rendering."""

    scene: str
    objects: tuple[str, ...] = ()
    style: str = ""


def thicken(picture: Image.Image, margin: int) -> Image.Image:
    """The picture laid over copies of itself, ``margin`` pixels away all round."""
    bold = Image.new("RGBA", picture.size)
    around = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    for x, y in np.rint(margin * np.stack([np.cos(around), np.sin(around)], axis=1)).astype(int):
        bold.alpha_composite(ImageChops.offset(picture, int(x), int(y)))
    bold.alpha_composite(picture)
    return bold


@cache
def glyph(name: str) -> Image.Image:
    """The object's glyph, RGBA, its finest strokes thickened, cropped to its ink and centred on a
    square."""
    font = ImageFont.truetype(str(FONT), GLYPH_SIDE)
    canvas = Image.new("RGBA", (160, 160))
    ImageDraw.Draw(canvas).text((8, 8), OBJECTS[name], font=font, embedded_color=True)
    canvas = thicken(canvas, THICKENED.get(name, 0))
    ink = canvas.crop(canvas.getbbox())
    side = max(ink.size)
    square = Image.new("RGBA", (side, side))
    square.paste(ink, ((side - ink.width) // 2, (side - ink.height) // 2))
    return square


def draw_object(
    picture: Image.Image, name: str, across: float, share: float, rng: np.random.Generator
) -> None:
    """Paste the glyph upright, ``share`` of the side wide, with a little jitter; its centre is
    ``across`` of the side from the left."""
    size = picture.width
    side = int(size * share * rng.uniform(0.95, 1.05))
    stamp = glyph(name).resize((side, side), Image.Resampling.BILINEAR)
    stamp = stamp.rotate(rng.uniform(-4, 4), Image.Resampling.BILINEAR)
    x, y = (size * place + rng.uniform(-3, 3) * size / 128 for place in (across, 0.55))
    picture.paste(stamp, (int(x - side / 2), int(y - side / 2)), stamp)


def render(content: Content, rng: np.random.Generator, size: int = SIZE) -> Image.Image:
    """An RGB picture of the content, ``size`` pixels a side; the same generator state, the same
    picture."""
    picture = paint_scene(content.scene, rng, size)
    places, share = ((0.27, 0.73), 0.48) if len(content.objects) == 2 else ((0.5,), 0.62)
    for name, across in zip(content.objects, places, strict=False):
        draw_object(picture, name, across, share, rng)
    return apply_style(content.style, picture) if content.style else picture


def draw_contents(
    count: int,
    rng: np.random.Generator,
    scene_only: float = 0.14,
    two_objects: float = 0.30,
    styled: float = 0.20,
) -> list[Content]:
    """``count`` random contents, objects balanced by a shuffled deck."""
    deck: list[str] = []
    scenes = list(SCENES)

    def next_object() -> str:
        if not deck:
            deck.extend(str(name) for name in rng.permutation(list(OBJECTS)))
        return deck.pop()

    contents = []
    for _ in range(count):
        kind = rng.random()
        if kind < scene_only:
            objects: tuple[str, ...] = ()
        elif kind < scene_only + two_objects:
            first, second = next_object(), next_object()
            objects = (first, second) if first != second else (first,)
        else:
            objects = (next_object(),)
        style = str(rng.choice(STYLES)) if rng.random() < styled else ""
        contents.append(Content(scenes[rng.integers(len(scenes))], objects, style))
    return contents
