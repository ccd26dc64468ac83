"""Train the second judge, a transformer, on renders of its own.

    python demo_model/training/train_second_judge.py

Seeds, spoiling, and what stands in for "no object" are others than the first judge's. Writes
``benchmarks/judges/networks/transformer.safetensors`` and prints how both judges do on unseen
renders, spoiled in either way.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from render import SIZE, Content, draw_contents, render
from torch import Tensor, nn
from torch.nn import functional
from train_judge import add_polygons, as_batch, save
from train_judge import spoil as spoil_for_first

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.judges.networks.transformer import (
    PLAIN,
    WEIGHTS,
    TransformerJudge,
    load_transformer,
)
from demo_model.judge import NOTHING, load_judge
from demo_model.vocabulary import OBJECTS, STYLES

BATCH = 64
SHAPES = 0.5  # the share of scenes without object that get polygons: a shape is no object
PEAK_RATE = 1.5e-3


def between(low: float, high: float, *shape: int) -> Tensor:
    """Uniform random numbers."""
    return torch.empty(shape).uniform_(low, high)


def smooth_noise(count: int, channels: int, cells: int) -> Tensor:
    """Normal noise on ``cells`` × ``cells`` points, drawn out to (count, channels, 128, 128)."""
    return functional.interpolate(torch.randn(count, channels, cells, cells), SIZE, mode="bicubic")


def bend(pictures: Tensor) -> Tensor:
    """Turn by up to 8°, scale, shift and wobble each of the pictures (N, 3, 128, 128)."""
    count = len(pictures)
    turn, scale = between(-0.14, 0.14, count), between(0.87, 1.15, count)
    shift = between(-0.1, 0.1, count, 2)
    cos, sin = turn.cos() * scale, turn.sin() * scale
    rows = [torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(pictures.shape), align_corners=False)
    wobble = smooth_noise(count, 2, 6) * between(0, 0.03, count, 1, 1, 1)
    grid = grid + wobble.movedim(1, -1)
    return functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def spoil(batch: Tensor) -> Tensor:
    """Bend, smear, tint, fade, add grain and cover a part: (N, 128, 128, 3) in 0 … 1, the same."""
    pictures = bend(batch.movedim(-1, 1))
    one = (len(pictures), 1, 1, 1)
    smeared = pictures
    for window in ((9, 1), (1, 9)):
        margin = (window[0] // 2, window[1] // 2)
        smeared = functional.avg_pool2d(smeared, window, 1, margin, count_include_pad=False)
    pictures = pictures.lerp(smeared, between(0, 1, *one))
    pictures = pictures + smooth_noise(one[0], 3, 4) * between(0, 0.12, *one)
    pictures = pictures.clamp(0, 1) ** between(-0.4, 0.4, *one).exp()
    pictures = pictures + smooth_noise(one[0], 3, 42) * between(0, 0.07, *one)
    line = torch.linspace(0, 1, SIZE)
    left, top = between(0, 1, *one), between(0, 1, *one)
    width, height = between(0, 0.25, *one), between(0, 0.25, *one)
    covered = ((line - left).abs() < width / 2) & ((line[:, None] - top).abs() < height / 2)
    return pictures.where(~covered, pictures.mean((2, 3), keepdim=True)).clamp(0, 1).movedim(1, -1)


def labels(contents: list[Content], judge: TransformerJudge) -> tuple[Tensor, Tensor]:
    """Objects that are there, float32 (N, objects) of 0 and 1, and style numbers, int64 (N,)."""
    there = [[float(name in content.objects) for name in judge.objects] for content in contents]
    styles = [judge.styles.index(content.style or PLAIN) for content in contents]
    return torch.tensor(there), torch.tensor(styles)


def train(judge: TransformerJudge, renders: int, steps: int, seed: int) -> None:
    """Train on ``renders`` pictures, spoiled at every step, the learning rate falling to 0."""
    rng = np.random.default_rng((17, seed))
    contents = draw_contents(renders, rng, scene_only=0.15, two_objects=0.15, styled=0.25)
    rendered = [render(content, rng) for content in contents]
    for content, picture in zip(contents, rendered, strict=True):
        if not content.objects and rng.random() < SHAPES:
            add_polygons(picture, rng)
    pictures = torch.from_numpy(np.stack([np.asarray(picture) for picture in rendered]))
    there, styles = labels(contents, judge)
    nn.init.constant_(judge.object_head.bias, -3.0)  # one object in twenty is there
    optimiser = torch.optim.AdamW(judge.parameters(), weight_decay=0.05)
    for step in range(steps):
        chosen = torch.from_numpy(rng.integers(renders, size=BATCH))
        for group in optimiser.param_groups:
            fall = (1 + np.cos(np.pi * step / steps)) / 2
            group["lr"] = PEAK_RATE * min(1, (step + 1) / 100) * fall
        seen_objects, seen_styles = judge(spoil(pictures[chosen] / 255))
        loss = functional.binary_cross_entropy_with_logits(
            seen_objects, there[chosen], reduction="sum"
        )
        loss = loss / BATCH + 0.5 * functional.cross_entropy(seen_styles, styles[chosen])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        optimiser.step()
        if step % 50 == 0:
            print(f"step {step:5d} of {steps}  loss {loss.item():.3f}", flush=True)


def report(count: int, seed: int) -> None:
    """Print what both judges find in unseen renders of one object or none."""
    first = load_judge(tuple(OBJECTS), STYLES)
    second = load_transformer(tuple(OBJECTS), STYLES)
    rng = np.random.default_rng((19, seed))
    contents = draw_contents(count, rng, scene_only=0.1, two_objects=0, styled=0.25)
    rendered = [render(content, rng) for content in contents]
    names = [content.objects[0] if content.objects else NOTHING for content in contents]
    styles = [content.style or PLAIN for content in contents]
    spoiled = [spoil_for_first(picture, rng) for picture in rendered]
    clean = as_batch(rendered)
    for title, batch in (
        ("clean", clean),
        ("spoiled as for the first", as_batch(spoiled)),
        ("spoiled as for the second", torch.cat([spoil(part) for part in clean.split(BATCH)])),
    ):
        found = [{name} - {NOTHING} for name in first.name_objects(batch)]
        print_line(f"{title}: the first judge", found, first.name_styles(batch), names, styles)
        found = second.name_objects(batch)
        print_line(f"{title}: the second judge", found, second.name_styles(batch), names, styles)
        print_objects(found, names)


def print_line(
    title: str,
    found: list[set[str]],
    seen_styles: list[str],
    names: list[str],
    styles: list[str],
) -> None:
    """Print the shares of exact answers, of objects that were found, and of right styles."""
    exact = [seen == {name} - {NOTHING} for seen, name in zip(found, names, strict=True)]
    there = [name in seen for seen, name in zip(found, names, strict=True) if name != NOTHING]
    right = [seen == style for seen, style in zip(seen_styles, styles, strict=True)]
    print(
        f"{title}: this object and no other {np.mean(exact):.1%}, the object found "
        f"{np.mean(there):.1%}, style {np.mean(right):.1%}"
    )


def print_objects(found: list[set[str]], names: list[str]) -> None:
    """Print the share of exact answers, object by object."""
    right: dict[str, list[bool]] = {name: [] for name in (*OBJECTS, NOTHING)}
    for seen, name in zip(found, names, strict=True):
        right[name].append(seen == {name} - {NOTHING})
    for name, values in right.items():
        print(f"  {name:18s} {np.mean(values):6.1%} of {len(values)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renders", type=int, default=8_000)
    parser.add_argument("--steps", type=int, default=1500, help=f"of {BATCH} pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report-only", action="store_true", help="score the present weights")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    if not arguments.report_only:
        judge = TransformerJudge(tuple(OBJECTS), STYLES)
        train(judge, arguments.renders, arguments.steps, arguments.seed)
        save(judge, WEIGHTS)
    report(2000, arguments.seed + 1)


if __name__ == "__main__":
    main()
