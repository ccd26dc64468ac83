"""Both judges of the bundled names, each trained on renders of its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.judges.networks.transformer import TransformerJudge
from demo_model.judge import NOTHING, PLAIN, Judge
from demo_model.vocabulary import OBJECTS, STYLES

from ..pictures.render import Content, draw_contents, render
from ..run import Run, Schedule
from .spoiling import add_blobs, add_polygons, spoil_as_files, spoil_as_tensors

BATCH = 64
SHAPES = 0.5  # the share of scenes without object that get shapes: a shape is no object
CONVOLUTIONAL = Schedule(1200, 3e-3, warm_up=50)
TRANSFORMER = Schedule(1500, 1.5e-3, warm_up=100, weight_decay=0.05)


def train_judges(
    folder: Path, renders: int = 10_000, steps: int | None = None, unseen: int = 2000
) -> None:
    """Train both, write their files, and print how they do on unseen renders.

    Args:
        folder: for checkpoints and files.
        renders: to learn from; four fifths for the transformer.
        steps: stop earlier; the schedules stay.
        unseen: renders to be asked about.
    """
    first = train_convolutional(folder, renders, steps)
    second = train_transformer(folder, renders * 4 // 5, steps)
    report(first.eval(), second.eval(), unseen)


def train_convolutional(folder: Path, renders: int, steps: int | None) -> Judge:
    """The bundled judge: one object or none, spoiled as files are."""
    rng = np.random.default_rng((11, 0))
    contents = draw_contents(renders, rng, 0.14, two_objects=0, styled=0.25)
    pictures = _render(contents, rng, add_blobs)
    torch.manual_seed(0)
    judge = Judge(tuple(OBJECTS), STYLES)
    shown = torch.tensor([judge.objects.index((*it.objects, NOTHING)[0]) for it in contents])
    styles = _style_numbers(contents)

    def loss_of(rng: np.random.Generator) -> Tensor:
        chosen = rng.integers(renders, size=BATCH)
        batch = as_batch([spoil_as_files(pictures[number], rng) for number in chosen])
        objects_seen, styles_seen = judge(batch)
        loss = functional.cross_entropy(objects_seen, shown[chosen])
        return loss + 0.5 * functional.cross_entropy(styles_seen, styles[chosen])

    _train(judge, CONVOLUTIONAL, folder / "judge", loss_of, steps)
    return judge


def train_transformer(folder: Path, renders: int, steps: int | None) -> TransformerJudge:
    """The second judge: none, one or two objects, each asked for, spoiled in other ways."""
    rng = np.random.default_rng((17, 0))
    contents = draw_contents(renders, rng, scene_only=0.15, two_objects=0.15, styled=0.25)
    pictures = as_batch(_render(contents, rng, add_polygons)).mul(255).byte()
    torch.manual_seed(0)
    judge = TransformerJudge(tuple(OBJECTS), STYLES)
    nn.init.constant_(judge.object_head.bias, -3.0)  # one object in twenty is there
    there = torch.tensor([[float(name in it.objects) for name in OBJECTS] for it in contents])
    styles = _style_numbers(contents)

    def loss_of(rng: np.random.Generator) -> Tensor:
        chosen = torch.from_numpy(rng.integers(renders, size=BATCH))
        objects_seen, styles_seen = judge(spoil_as_tensors(pictures[chosen] / 255))
        loss = functional.binary_cross_entropy_with_logits(
            objects_seen, there[chosen], reduction="sum"
        )
        return loss / BATCH + 0.5 * functional.cross_entropy(styles_seen, styles[chosen])

    _train(judge, TRANSFORMER, folder / "transformer", loss_of, steps)
    return judge


def _render(
    contents: list[Content],
    rng: np.random.Generator,
    add_shapes: Callable[[Image.Image, np.random.Generator], None],
) -> list[Image.Image]:
    """One picture each; some of those without object get shapes."""
    pictures = [render(content, rng) for content in contents]
    for content, picture in zip(contents, pictures, strict=True):
        if not content.objects and rng.random() < SHAPES:
            add_shapes(picture, rng)
    return pictures


def _style_numbers(contents: list[Content]) -> Tensor:
    styles = (*STYLES, PLAIN)
    return torch.tensor([styles.index(content.style or PLAIN) for content in contents])


def _train(
    judge: nn.Module,
    schedule: Schedule,
    place: Path,
    loss_of: Callable[[np.random.Generator], Tensor],
    steps: int | None,
) -> None:
    """Go on with the run at ``place``, and write its weights beside it, in float16."""
    run = Run(judge, schedule, place.with_suffix(".pt"))
    run.advance(steps, loss_of)
    weights = {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in judge.state_dict().items()
    }
    save_file(weights, place.with_suffix(".safetensors"))


def as_batch(pictures: list[Image.Image]) -> Tensor:
    """float32 (N, 128, 128, 3) in 0 … 1."""
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).float() / 255


def report(first: Judge, second: TransformerJudge, count: int) -> None:
    """Print how often both name exactly what unseen renders of one object or none show."""
    torch.manual_seed(1)
    rng = np.random.default_rng((19, 1))
    contents = draw_contents(count, rng, scene_only=0.1, two_objects=0, styled=0.25)
    rendered = [render(content, rng) for content in contents]
    clean = as_batch(rendered)
    for title, batch in (
        ("clean", clean),
        ("spoiled as for the first", as_batch([spoil_as_files(it, rng) for it in rendered])),
        ("spoiled as for the second", torch.cat([spoil_as_tensors(it) for it in clean.split(64)])),
    ):
        found = [{name} - {NOTHING} for name in first.name_objects(batch)]
        _print_line(f"{title}: the first judge", contents, found, first.name_styles(batch))
        found = second.name_objects(batch)
        _print_line(f"{title}: the second judge", contents, found, second.name_styles(batch))


def _print_line(
    title: str, contents: list[Content], found: list[set[str]], styles: list[str]
) -> None:
    exact = [seen == {*it.objects} for it, seen in zip(contents, found, strict=True)]
    right = [seen == (it.style or PLAIN) for it, seen in zip(contents, styles, strict=True)]
    print(f"{title}: exactly what is there {np.mean(exact):.1%}, style {np.mean(right):.1%}")
