"""Train the judge on renders of its own, spoiled as generated pictures are.

    python demo_model/training/train_judge.py

Writes ``demo_model/judge.safetensors`` and prints the accuracy on unseen renders, object by object.
"""

import argparse
import io
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from render import BUNDLED, SIZE, Content, World, draw_contents, render
from safetensors.torch import save_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from judge import NOTHING, PLAIN, WEIGHTS, Judge, load_judge
from vocabulary import OBJECTS, STYLES

BATCH = 64
BLOBS = 0.5  # the share of scenes without object that get coloured blobs: a blob is no object


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


def spoil(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
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


def main_thing(content: Content) -> str:
    """The thing in the middle, or ``"nothing"``."""
    return content.objects[0] if content.objects else content.unmentioned or NOTHING


def labels(contents: list[Content], judge: Judge) -> tuple[Tensor, Tensor]:
    """Object and style numbers, int64 (N,) each."""
    objects = [main_thing(content) for content in contents]
    styles = [content.style or PLAIN for content in contents]
    return (
        torch.tensor([judge.objects.index(name) for name in objects]),
        torch.tensor([judge.styles.index(name) for name in styles]),
    )


def as_batch(pictures: list[Image.Image]) -> Tensor:
    """float32 (N, 128, 128, 3) in 0 … 1."""
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).float() / 255


def render_all(
    contents: list[Content], rng: np.random.Generator, world: World
) -> list[Image.Image]:
    """One picture each; some of those without object get blobs."""
    pictures = [render(content, rng, world=world) for content in contents]
    for content, picture in zip(contents, pictures, strict=True):
        if main_thing(content) == NOTHING and rng.random() < BLOBS:
            add_blobs(picture, rng)
    return pictures


def train(judge: Judge, renders: int, steps: int, seed: int, world: World = BUNDLED) -> None:
    """Train on ``renders`` pictures of the world."""
    rng = np.random.default_rng((11, seed))
    contents = draw_contents(renders, rng, 0.14, two_objects=0, styled=0.25, world=world)
    pictures = render_all(contents, rng, world)
    fit(judge, pictures, labels(contents, judge), steps, rng)


def fit(
    judge: Judge,
    pictures: list[Image.Image],
    labelled: tuple[Tensor, Tensor],
    steps: int,
    rng: np.random.Generator,
) -> None:
    """Train on pictures, spoiled at every step, the learning rate falling to 0; ``labelled`` are
    their object and style numbers."""
    objects, styles = labelled
    optimiser = torch.optim.AdamW(judge.parameters(), weight_decay=0.01)
    for step in range(steps):
        chosen = rng.integers(len(pictures), size=BATCH)
        batch = as_batch([spoil(pictures[number], rng) for number in chosen])
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * min(1, (step + 1) / 50) * (1 + np.cos(np.pi * step / steps)) / 2
        seen_objects, seen_styles = judge(batch)
        loss = nn.functional.cross_entropy(seen_objects, objects[chosen])
        loss = loss + 0.5 * nn.functional.cross_entropy(seen_styles, styles[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 50 == 0:
            print(f"step {step:5d} of {steps}  loss {loss.item():.3f}", flush=True)


def save(judge: nn.Module, file: Path) -> None:
    """Write the weights as float16."""
    weights = {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in judge.state_dict().items()
    }
    save_file(weights, file)
    print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")


def report(judge: Judge, count: int, seed: int, world: World = BUNDLED) -> None:
    """Print the accuracy on unseen renders, as they are and spoiled."""
    rng = np.random.default_rng((13, seed))
    contents = draw_contents(count, rng, 0.1, two_objects=0, styled=0.25, world=world)
    clean = [render(content, rng, world=world) for content in contents]
    for title, pictures in (("clean", clean), ("spoiled", [spoil(p, rng) for p in clean])):
        batch = as_batch(pictures)
        right: dict[str, list[bool]] = {name: [] for name in judge.objects}
        for content, seen in zip(contents, judge.name_objects(batch), strict=True):
            name = main_thing(content)
            right[name].append(seen == name)
        seen_styles = judge.name_styles(batch)
        styles = [seen == (c.style or PLAIN) for c, seen in zip(contents, seen_styles, strict=True)]
        every = [value for values in right.values() for value in values]
        print(f"\n{title} unseen renders: object {np.mean(every):.1%}, style {np.mean(styles):.1%}")
        for name, values in right.items():
            print(f"  {name:18s} {np.mean(values):6.1%} of {len(values)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renders", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=1200, help=f"of {BATCH} pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report-only", action="store_true", help="score the present weights")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    if not arguments.report_only:
        judge = Judge(tuple(OBJECTS), STYLES)
        train(judge, arguments.renders, arguments.steps, arguments.seed)
        save(judge, WEIGHTS)
    report(load_judge(tuple(OBJECTS), STYLES), 2000, arguments.seed + 1)


if __name__ == "__main__":
    main()
