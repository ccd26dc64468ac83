"""How far two sets of pictures are apart: FID, the Fréchet distance of Inception v3's features
(Heusel et al. 2017, "GANs trained by a two time-scale update rule")."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torchmetrics.image.fid import FrechetInceptionDistance

from benchmarks.judges.networks.needs import device, package, weights

from . import registry
from .places import Places
from .runner import origin_of, require_labels
from .shots import group_shots
from .suite import BASE, Entry, Group, Suite

INCEPTION = "weights-inception-2015-12-05-6726825d.pth"
SOURCE = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{INCEPTION}"
PICTURES_AT_ONCE = 32
ENDINGS = {".png", ".jpg", ".jpeg", ".webp"}


def inception() -> FrechetInceptionDistance:
    """The metric, which keeps the first set's features.

    Raises:
        MissingError: the weights, or the package that holds the network, are not there.
    """
    package("torch_fidelity")
    file = str(weights(INCEPTION, SOURCE))
    return FrechetInceptionDistance(
        2048, reset_real_features=False, feature_extractor_weights_path=file
    ).to(device())


def distance(metric: FrechetInceptionDistance, pictures: Sequence[Path]) -> float:
    """From the first set, which ``metric`` knows, to the pictures in these files, two at least."""
    metric.reset()
    add(metric, pictures, real=False)
    return float(metric.compute())


@torch.inference_mode()
def add(metric: FrechetInceptionDistance, files: Sequence[Path], real: bool) -> None:
    """Show ``metric`` the pictures of a set, the first where ``real``."""
    for first in range(0, len(files), PICTURES_AT_ONCE):
        pictures = [_levels(file) for file in files[first : first + PICTURES_AT_ONCE]]
        for _, alike in groupby(pictures, key=lambda levels: levels.shape):
            batch = torch.from_numpy(np.stack(list(alike))).movedim(-1, 1)
            metric.update(batch.to(metric.device), real=real)


def distance_table(
    suite: Suite, places: Places, real: Path | None, methods: Sequence[str] = ()
) -> str:
    """Markdown: the distance of every method's pictures of what should stay, by family of groups.

    Args:
        suite, places: whose pictures.
        real: a folder of pictures to compare with; the base model's own where None.
        methods: labels of those to measure; all where empty.

    Raises:
        MissingError: weights or packages are not there.
        ValueError: pictures are not there, or a method is not in the suite.
    """
    require_labels(suite, methods)
    start = "the base model's pictures of the same prompts and seeds" if not real else f"{real}"
    lines = [
        f"# {'Dry run: ' if suite.dry_run else ''}{suite.title}: distance between sets of pictures",
        "",
        f"FID between pictures of what should stay and {start}; all seeds together, lower is "
        "nearer. Small sets give larger distances, so only figures of as many pictures compare.",
        "",
        "| method | group | pictures | distance |",
        "| --- | --- | --- | --- |",
    ]
    for family, groups in suite.families.items():
        base = suite.entry(BASE)
        theirs = pictures_in(real) if real else kept_pictures(suite, places, base, groups)
        metric = inception()
        add(metric, theirs, real=True)
        for entry in suite.entries:
            left_out = methods and entry.label not in methods
            itself = entry.label == BASE and not real
            if left_out or itself or not entry.is_measured_on(family):
                continue
            ours = kept_pictures(suite, places, entry, groups)
            title = registry.entry_title(entry)
            lines.append(f"| {title} | {family} | {len(ours):,} | {distance(metric, ours):.4g} |")
    return "\n".join(lines)


def kept_pictures(
    suite: Suite, places: Places, entry: Entry, groups: Sequence[Group]
) -> list[Path]:
    """Files of a method's pictures of what should stay, all conditions and seeds together; the base
    model's once for every group that asks for them.

    Raises:
        ValueError: one is not there; the message says how many.
    """
    files = [
        places.picture(origin_of(suite, entry, None if entry.label == BASE else group), shot)
        for group in groups
        for condition in suite.conditions
        for seed in suite.seeds
        for shot in group_shots(suite, group, condition, seed)
        if shot.shows(suite.concept) in group.kept
    ]
    missing = sum(not file.exists() for file in files)
    if missing:
        raise ValueError(
            f"{suite.name}: {missing} of {len(files)} pictures of {entry.label!r} are not in "
            f"results/; python3 benchmarks/run.py {suite.name} draws them."
        )
    return files


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder and its subfolders.

    Raises:
        ValueError: there are fewer than two.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in ENDINGS)
    if len(files) < 2:
        raise ValueError(f"{folder}: holds {len(files)} pictures; give a folder of two or more.")
    return files


def _levels(file: Path) -> NDArray[np.uint8]:
    """A picture's values, (height, width, 3)."""
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))
