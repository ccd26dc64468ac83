"""FID's table, by the features of another network than Inception."""

from pathlib import Path

import numpy as np
import pytest
import torch
from measured import paint
from PIL import Image
from torch import Tensor
from torchmetrics.image.fid import FrechetInceptionDistance

from benchmarks.harness import frechet
from benchmarks.harness.frechet import distance_table
from benchmarks.harness.places import Places
from benchmarks.harness.suite import Suite


class MeanColours(torch.nn.Module):
    """uint8 (N, 3, height, width) to the means of 2 × 2 fields, (N, 12)."""

    num_features = 12

    def forward(self, levels: Tensor) -> Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(levels.float() / 255, 2).flatten(1)


def mean_colours() -> FrechetInceptionDistance:
    return FrechetInceptionDistance(MeanColours(), reset_real_features=False)


def blurred_noise(seed: int, side: int = 128) -> Image.Image:
    """Random colours."""
    few = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    return Image.fromarray(few).resize((side, side), Image.Resampling.BICUBIC)


def saved(folder: Path, *pictures: Image.Image) -> list[Path]:
    """Files of the pictures."""
    files = [folder / f"{number}.png" for number in range(len(pictures))]
    folder.mkdir(parents=True, exist_ok=True)
    for file, picture in zip(files, pictures, strict=True):
        picture.save(file)
    return files


@pytest.fixture
def drawn(suite: Suite, places: Places, monkeypatch: pytest.MonkeyPatch) -> tuple[Suite, Places]:
    """The small suite with a file for every picture, those of "weak" as the base model's."""
    monkeypatch.setattr(frechet, "inception", mean_colours)
    paint(
        suite,
        places,
        lambda label, shot: blurred_noise(
            100 * (label == "fia") + sum(map(ord, shot.prompt)) + shot.seed
        ),
    )
    return suite, places


def cells(table: str) -> list[list[str]]:
    """Of the lines below a table's head."""
    return [line.strip("| ").split(" | ") for line in table.splitlines()[6:]]


def test_the_table_compares_what_should_stay_with_the_base_model_or_real_pictures(
    drawn: tuple[Suite, Places], tmp_path: Path
) -> None:
    rows = cells(distance_table(*drawn, None))
    assert [row[:3] for row in rows] == [
        ["FIA, exact Eq. 1", "one", "4"],
        ["weak", "one", "4"],
        ["FIA, exact Eq. 1", "alone", "8"],
        ["weak", "alone", "8"],
    ]
    far, same = float(rows[0][3]), float(rows[1][3])
    assert same == pytest.approx(0, abs=1e-3) and far > 0.01
    saved(tmp_path / "real" / "photos", *(blurred_noise(seed, 64 + seed) for seed in range(3)))
    rows = cells(distance_table(*drawn, tmp_path / "real"))
    assert rows[0][:3] == ["base model", "one", "4"] and len(rows) == 6
