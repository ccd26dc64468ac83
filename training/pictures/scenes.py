"""Ten procedural scenes, drawn at any size with Pillow and numpy."""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Painter = Callable[[np.random.Generator, int], Image.Image]


def vary(rng: np.random.Generator, colour: Colour, spread: int = 14) -> Colour:
    """The colour, each channel moved by at most ``spread`` levels."""
    red, green, blue = (int(np.clip(c + rng.integers(-spread, spread + 1), 0, 255)) for c in colour)
    return red, green, blue


def gradient(top: Colour, bottom: Colour, size: int) -> Image.Image:
    """A square picture that runs from one colour at the top to another at the bottom."""
    ramp = np.linspace(0, 1, size)[:, None, None]
    column = np.array(top) * (1 - ramp) + np.array(bottom) * ramp
    return Image.fromarray(np.broadcast_to(column, (size, size, 3)).astype(np.uint8))


def beach(rng: np.random.Generator, size: int) -> Image.Image:
    picture = gradient(vary(rng, (110, 190, 245)), vary(rng, (200, 232, 250)), size)
    draw = ImageDraw.Draw(picture)
    horizon, shore = int(size * rng.uniform(0.36, 0.44)), int(size * rng.uniform(0.56, 0.64))
    draw.rectangle((0, horizon, size, size), fill=vary(rng, (30, 130, 190)))
    sand = vary(rng, (238, 214, 160))
    wave = [
        (x, shore + size * 0.02 * math.sin(x * 0.1 + rng.uniform(0, 0.5)))
        for x in range(0, size + 8, 8)
    ]
    draw.polygon([*wave, (size, size), (0, size)], fill=sand)
    draw.line(wave, fill=(250, 250, 250), width=max(1, size // 42))
    sun = size * rng.uniform(0.1, 0.9)
    draw.ellipse(
        (sun - size * 0.06, size * 0.06, sun + size * 0.06, size * 0.18), fill=(255, 236, 130)
    )
    return picture


def forest(rng: np.random.Generator, size: int) -> Image.Image:
    picture = gradient(vary(rng, (150, 200, 170)), vary(rng, (40, 90, 40)), size)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, int(size * 0.8), size, size), fill=vary(rng, (50, 80, 35)))
    for x in np.linspace(0, size, 8) + rng.uniform(-size * 0.04, size * 0.04, 8):
        foot, width = size * rng.uniform(0.8, 0.9), size * rng.uniform(0.08, 0.12)
        top = size * rng.uniform(0.08, 0.25)
        draw.rectangle(
            (x - size * 0.015, foot - size * 0.15, x + size * 0.015, foot), fill=(90, 60, 35)
        )
        green = vary(rng, (25, 100, 45), 20)
        draw.polygon(
            [(x - width, foot - size * 0.1), (x + width, foot - size * 0.1), (x, top)], fill=green
        )
    return picture


def desert(rng: np.random.Generator, size: int) -> Image.Image:
    picture = gradient(vary(rng, (250, 190, 120)), vary(rng, (255, 230, 180)), size)
    draw = ImageDraw.Draw(picture)
    for level, colour in ((0.55, (225, 165, 90)), (0.68, (210, 145, 70)), (0.82, (190, 120, 55))):
        phase = rng.uniform(0, 2 * math.pi)
        ridge = [
            (x, size * (level + 0.06 * math.sin(x * 2 * math.pi / size + phase)))
            for x in range(0, size + 4, 4)
        ]
        draw.polygon([*ridge, (size, size), (0, size)], fill=vary(rng, colour))
    return picture


def night_sky(rng: np.random.Generator, size: int) -> Image.Image:
    picture = gradient(vary(rng, (8, 10, 40), 6), vary(rng, (40, 40, 95), 10), size)
    draw = ImageDraw.Draw(picture)
    for x, y in rng.uniform(0, size, (40, 2)):
        radius = rng.uniform(0.3, size / 90)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 255, 220))
    x, y, radius = size * rng.uniform(0.1, 0.9), size * rng.uniform(0.08, 0.2), size * 0.07
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(240, 240, 215))
    return picture


def snow_field(rng: np.random.Generator, size: int) -> Image.Image:
    picture = gradient(vary(rng, (180, 200, 225)), vary(rng, (225, 235, 245)), size)
    draw = ImageDraw.Draw(picture)
    horizon = size * rng.uniform(0.5, 0.6)
    draw.ellipse((-size * 0.4, horizon, size * 1.4, size * 2), fill=vary(rng, (246, 249, 253), 5))
    for x, y in rng.uniform(0, size, (50, 2)):
        radius = rng.uniform(0.5, size / 70)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 255, 255))
    return picture


def ocean(rng: np.random.Generator, size: int) -> Image.Image:
    picture = gradient(vary(rng, (90, 160, 215)), vary(rng, (15, 60, 130)), size)
    draw = ImageDraw.Draw(picture)
    for y in np.linspace(size * 0.25, size * 0.97, 8):
        phase, shade = rng.uniform(0, 2 * math.pi), vary(rng, (60, 140, 195), 18)
        crest = [
            (x, y + size * 0.015 * math.sin(x * 0.2 * 128 / size + phase))
            for x in range(0, size + 4, 4)
        ]
        draw.line(crest, fill=shade, width=max(1, size // 50))
    return picture


def park(rng: np.random.Generator, size: int) -> Image.Image:
    picture = gradient(vary(rng, (150, 210, 250)), vary(rng, (210, 238, 250)), size)
    draw = ImageDraw.Draw(picture)
    ground = int(size * rng.uniform(0.48, 0.56))
    draw.rectangle((0, ground, size, size), fill=vary(rng, (110, 190, 75)))
    path = size * rng.uniform(0.3, 0.7)
    edge = [(path - size * 0.03, ground), (path + size * 0.03, ground), (path + size * 0.22, size)]
    draw.polygon([*edge, (path - size * 0.22, size)], fill=vary(rng, (215, 195, 150)))
    for x in (size * rng.uniform(0.02, 0.15), size * rng.uniform(0.85, 0.98)):
        crown, y = size * rng.uniform(0.12, 0.16), ground - size * 0.12
        draw.rectangle(
            (x - size * 0.02, y, x + size * 0.02, ground + size * 0.03), fill=(120, 80, 45)
        )
        draw.ellipse((x - crown, y - crown, x + crown, y + crown), fill=vary(rng, (70, 150, 60)))
    return picture


def room(rng: np.random.Generator, size: int) -> Image.Image:
    wall, floor = vary(rng, (225, 205, 190), 20), vary(rng, (150, 100, 65))
    picture = Image.new("RGB", (size, size), wall)
    draw = ImageDraw.Draw(picture)
    foot = int(size * rng.uniform(0.68, 0.74))
    draw.rectangle((0, foot, size, size), fill=floor)
    for y in range(foot, size, max(2, size // 14)):
        draw.line((0, y, size, y), fill=vary(rng, (120, 78, 48), 4))
    x, y = size * rng.choice([0.04, 0.68]), size * rng.uniform(0.08, 0.14)
    frame = (x, y, x + size * 0.28, y + size * 0.3)
    draw.rectangle(
        frame, fill=vary(rng, (165, 215, 245)), outline=(250, 250, 250), width=max(2, size // 42)
    )
    draw.line(
        (x + size * 0.14, y, x + size * 0.14, y + size * 0.3),
        fill=(250, 250, 250),
        width=max(1, size // 64),
    )
    return picture


def mountain(rng: np.random.Generator, size: int) -> Image.Image:
    picture = gradient(vary(rng, (125, 165, 215)), vary(rng, (215, 225, 240)), size)
    draw = ImageDraw.Draw(picture)
    for centre, height in ((0.22, 0.3), (0.78, 0.34), (0.5, 0.14)):
        x, top = (
            size * (centre + rng.uniform(-0.08, 0.08)),
            size * (height + rng.uniform(-0.05, 0.05)),
        )
        rock = vary(rng, (105, 105, 120))
        draw.polygon(
            [(x - size * 0.45, size * 0.85), (x + size * 0.45, size * 0.85), (x, top)], fill=rock
        )
        snow = [(x - size * 0.1, top + size * 0.16), (x + size * 0.1, top + size * 0.16), (x, top)]
        draw.polygon(snow, fill=(245, 248, 252))
    draw.rectangle((0, int(size * 0.82), size, size), fill=vary(rng, (85, 120, 80)))
    return picture


def city(rng: np.random.Generator, size: int) -> Image.Image:
    picture = gradient(vary(rng, (175, 190, 205)), vary(rng, (230, 220, 210)), size)
    draw = ImageDraw.Draw(picture)
    road = int(size * 0.84)
    for left in np.arange(0, size, size / 6):
        top = size * rng.uniform(0.12, 0.4)
        draw.rectangle((left, top, left + size / 6 - 1, road), fill=vary(rng, (115, 120, 140), 22))
        for y in np.arange(top + size * 0.04, road - size * 0.05, size * 0.08):
            for x in (left + size * 0.035, left + size * 0.095):
                lit = (250, 225, 140) if rng.random() < 0.5 else (80, 88, 110)
                draw.rectangle((x, y, x + size * 0.03, y + size * 0.035), fill=lit)
    draw.rectangle((0, road, size, size), fill=vary(rng, (70, 70, 75), 6))
    draw.line(
        (0, (road + size) / 2, size, (road + size) / 2),
        fill=(230, 230, 210),
        width=max(1, size // 64),
    )
    return picture


PAINTERS: dict[str, Painter] = {
    "beach": beach,
    "forest": forest,
    "desert": desert,
    "night sky": night_sky,
    "snow field": snow_field,
    "ocean": ocean,
    "park": park,
    "room": room,
    "mountain": mountain,
    "city": city,
}


def paint_scene(name: str, rng: np.random.Generator, size: int) -> Image.Image:
    """An RGB picture of the named scene; raises KeyError for an unknown name."""
    return PAINTERS[name](rng, size).filter(ImageFilter.GaussianBlur(size / 256))
