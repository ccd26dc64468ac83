"""What is done to renders so that judges know pictures as models draw them."""

import io

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from torch import Tensor
from torch.nn import functional

from ..pictures.render import SIZE


def add_blobs(picture: Image.Image, rng: np.random.Generator) -> None:
    """Draw a few random ellipses where an object would be."""
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 6)):
        x, y = rng.normal(SIZE * 0.52, SIZE * 0.1, 2)
        width, height = rng.uniform(SIZE * 0.1, SIZE * 0.3, 2)
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        draw.ellipse((x - width, y - height, x + width, y + height), fill=colour)


def add_polygons(picture: Image.Image, rng: np.random.Generator) -> None:
    """Draw a few random polygons where an object would be."""
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(1, 5)):
        corners = int(rng.integers(3, 9))
        turns = np.sort(rng.uniform(0, 2 * np.pi, corners))
        reach = SIZE * rng.uniform(0.06, 0.34, (corners, 1))
        middle = rng.normal(SIZE * 0.52, SIZE * 0.1, 2)
        points = middle + reach * np.stack([np.cos(turns), np.sin(turns)], 1)
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        draw.polygon([(float(x), float(y)) for x, y in points], fill=colour)


def spoil_as_files(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Shift, soften, recolour, compress and add noise, each by chance."""
    dx, dy = (int(value) for value in rng.integers(-6, 7, 2))
    frame = (dx, dy, SIZE + dx, SIZE + dy)
    picture = picture.transform(picture.size, Image.Transform.EXTENT, frame)
    if rng.random() < 0.5:
        side = int(rng.uniform(0.3, 0.9) * SIZE)
        small = picture.resize((side, side), Image.Resampling.BILINEAR)
        picture = small.resize(picture.size, Image.Resampling.BILINEAR)
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.0)))
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhance(picture).enhance(rng.uniform(0.7, 1.3))
    if rng.random() < 0.4:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=int(rng.integers(15, 80)))
        picture = Image.open(file).convert("RGB")
    if rng.random() < 0.5:
        noise = rng.normal(0, rng.uniform(2, 20), (SIZE, SIZE, 3))
        noisy = np.asarray(picture, np.float32) + noise
        picture = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
    return picture


def spoil_as_tensors(batch: Tensor) -> Tensor:
    """Bend, smear, tint, fade, add grain and cover a part: (N, 128, 128, 3) in 0 … 1, the same."""
    pictures = _bend(batch.movedim(-1, 1))
    one = (len(pictures), 1, 1, 1)
    smeared = pictures
    for window in ((9, 1), (1, 9)):
        margin = (window[0] // 2, window[1] // 2)
        smeared = functional.avg_pool2d(smeared, window, 1, margin, count_include_pad=False)
    pictures = pictures.lerp(smeared, _between(0, 1, *one))
    pictures = pictures + _smooth_noise(one[0], 3, 4) * _between(0, 0.12, *one)
    pictures = pictures.clamp(0, 1) ** _between(-0.4, 0.4, *one).exp()
    pictures = pictures + _smooth_noise(one[0], 3, 42) * _between(0, 0.07, *one)
    line = torch.linspace(0, 1, SIZE)
    left, top = _between(0, 1, *one), _between(0, 1, *one)
    width, height = _between(0, 0.25, *one), _between(0, 0.25, *one)
    covered = ((line - left).abs() < width / 2) & ((line[:, None] - top).abs() < height / 2)
    return pictures.where(~covered, pictures.mean((2, 3), keepdim=True)).clamp(0, 1).movedim(1, -1)


def _bend(pictures: Tensor) -> Tensor:
    """Turn by up to 8°, scale, shift and wobble each of the pictures (N, 3, 128, 128)."""
    count = len(pictures)
    turn, scale = _between(-0.14, 0.14, count), _between(0.87, 1.15, count)
    shift = _between(-0.1, 0.1, count, 2)
    cos, sin = turn.cos() * scale, turn.sin() * scale
    rows = [torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(pictures.shape), align_corners=False)
    wobble = _smooth_noise(count, 2, 6) * _between(0, 0.03, count, 1, 1, 1)
    grid = grid + wobble.movedim(1, -1)
    return functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def _between(low: float, high: float, *shape: int) -> Tensor:
    """Uniform random numbers."""
    return torch.empty(shape).uniform_(low, high)


def _smooth_noise(count: int, channels: int, cells: int) -> Tensor:
    """Normal noise on ``cells`` × ``cells`` points, drawn out to (count, channels, 128, 128)."""
    return functional.interpolate(torch.randn(count, channels, cells, cells), SIZE, mode="bicubic")
