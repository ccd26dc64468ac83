"""Four styles as picture filters."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps


def pencil_sketch(picture: Image.Image) -> Image.Image:
    """Grey lines on paper: the picture divided by its own blur (colour dodge)."""
    grey = np.asarray(ImageOps.grayscale(picture), np.float32)
    blurred = np.asarray(
        ImageOps.grayscale(picture).filter(ImageFilter.GaussianBlur(picture.width / 32)), np.float32
    )
    line = np.clip(235 * (grey + 12) / (blurred + 12), 0, 235)
    return Image.fromarray((line * 0.85 + grey * 0.12).astype(np.uint8)).convert("RGB")


def pixel_art(picture: Image.Image) -> Image.Image:
    """A mosaic of 21 × 21 blocks, eight levels a channel, strong colours."""
    small = picture.resize((21, 21), Image.Resampling.BOX)
    flat = ImageOps.posterize(ImageEnhance.Color(small).enhance(1.6), 3)
    return flat.resize(picture.size, Image.Resampling.NEAREST)


def neon(picture: Image.Image) -> Image.Image:
    """Glowing coloured edges on black."""
    smooth = picture.filter(ImageFilter.GaussianBlur(picture.width / 128))
    edges = ImageChops.difference(
        smooth.filter(ImageFilter.MaxFilter(3)), smooth.filter(ImageFilter.MinFilter(3))
    )
    bright = ImageEnhance.Color(
        edges.point([min(255, int(level * 2.6)) for level in range(256)] * 3)
    ).enhance(2.2)
    glow = bright.filter(ImageFilter.GaussianBlur(picture.width / 40))
    return ImageChops.add(bright, ImageChops.add(glow, Image.new("RGB", picture.size, (12, 0, 26))))


def watercolor(picture: Image.Image) -> Image.Image:
    """Pale washes that fade into white paper towards the border."""
    wash = picture.filter(ImageFilter.MedianFilter(5)).filter(
        ImageFilter.GaussianBlur(picture.width / 110)
    )
    pale = Image.blend(
        ImageEnhance.Color(wash).enhance(1.5), Image.new("RGB", picture.size, "white"), 0.38
    )
    y, x = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
    fade = np.clip((np.maximum(np.abs(x), np.abs(y)) - 0.72) * 5, 0, 1)
    paper = Image.fromarray((fade * 255).astype(np.uint8))
    return Image.composite(Image.new("RGB", picture.size, "white"), pale, paper)


FILTERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "pencil sketch": pencil_sketch,
    "pixel art": pixel_art,
    "neon": neon,
    "watercolor": watercolor,
}


def apply_style(name: str, picture: Image.Image) -> Image.Image:
    """The RGB picture in the named style, same size; raises KeyError for an unknown name."""
    return FILTERS[name](picture)
