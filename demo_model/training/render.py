"""Labelled training pictures: glyphs of Noto Color Emoji over procedural scenes.

The font is Debian's ``fonts-noto-color-emoji`` (OFL 1.1); it stays out of the repository.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont
from scenes import paint_scene
from styles import apply_style

sys.path.insert(0, str(Path(__file__).parents[1]))
from vocabulary import OBJECTS, SCENES, STYLES

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
GLYPH_SIDE = 109  # the only size at which this bitmap font can be drawn, in pixels
SIZE = 128
THICKENED = {"bicycle": 3}  # pixels of GLYPH_SIDE added round strokes finer than a latent cell


@dataclass(frozen=True)
class Content:
    """What a picture shows; an empty style is the plain rendering.

    ``unmentioned`` is a thing that captions leave out, empty for none.
    """

    scene: str
    objects: tuple[str, ...] = ()
    style: str = ""
    unmentioned: str = ""


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


@dataclass(frozen=True)
class World:
    """The things that pictures can show.

    ``drawing`` gives a square RGBA picture of a thing, and may choose among several;
    ``unmentioned`` is the share of pictures of one object or none that show one thing more.
    """

    objects: tuple[str, ...]
    drawing: Callable[[str, np.random.Generator], Image.Image]
    unmentioned: float = 0.0


def _only_glyph(name: str, _: np.random.Generator) -> Image.Image:
    return glyph(name)


BUNDLED = World(tuple(OBJECTS), _only_glyph)


def draw_object(
    picture: Image.Image,
    drawing: Image.Image,
    centre: tuple[float, float],
    share: float,
    rng: np.random.Generator,
) -> None:
    """Paste the drawing upright, ``share`` of the side wide, with a little jitter; ``centre`` is
    in parts of the side."""
    size = picture.width
    side = int(size * share * rng.uniform(0.95, 1.05))
    stamp = drawing.resize((side, side), Image.Resampling.BILINEAR)
    stamp = stamp.rotate(rng.uniform(-4, 4), Image.Resampling.BILINEAR)
    x, y = (size * place + rng.uniform(-3, 3) * size / 128 for place in centre)
    picture.paste(stamp, (int(x - side / 2), int(y - side / 2)), stamp)


def _places(content: Content, rng: np.random.Generator) -> list[tuple[str, float, float, float]]:
    """Every thing of the picture, the hindmost first: name, centre across and down, share of the
    side."""
    things = [*content.objects]
    placed: list[tuple[str, float, float, float]] = []
    if content.unmentioned and things:
        placed.append((content.unmentioned, 0.15 if rng.random() < 0.5 else 0.85, 0.75, 0.32))
    elif content.unmentioned:
        things = [content.unmentioned]
    if len(things) == 2:
        return [*placed, (things[0], 0.27, 0.55, 0.48), (things[1], 0.73, 0.55, 0.48)]
    return [*placed, *((name, 0.5, 0.55, 0.62) for name in things)]


def render(
    content: Content, rng: np.random.Generator, size: int = SIZE, world: World = BUNDLED
) -> Image.Image:
    """An RGB picture of the content, ``size`` pixels a side; the same generator state, the same
    picture."""
    picture = paint_scene(content.scene, rng, size)
    for name, across, down, share in _places(content, rng):
        draw_object(picture, world.drawing(name, rng), (across, down), share, rng)
    return apply_style(content.style, picture) if content.style else picture


def draw_contents(
    count: int,
    rng: np.random.Generator,
    scene_only: float = 0.14,
    two_objects: float = 0.30,
    styled: float = 0.20,
    world: World = BUNDLED,
) -> list[Content]:
    """``count`` random contents, objects balanced by a shuffled deck."""
    deck: list[str] = []
    scenes = list(SCENES)

    def next_object() -> str:
        if not deck:
            deck.extend(str(name) for name in rng.permutation(list(world.objects)))
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
        scene = scenes[rng.integers(len(scenes))]
        more = ""
        if world.unmentioned and len(objects) < 2 and rng.random() < world.unmentioned:
            more = str(rng.choice([name for name in world.objects if name not in objects]))
        contents.append(Content(scene, objects, style, more))
    return contents
