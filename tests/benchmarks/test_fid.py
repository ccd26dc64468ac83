"""Fréchet distances of sets of pictures, by hand and by the command's table."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.harness import places as places_module
from benchmarks.harness.frechet import INCEPTION, Distance, JudgeFeatures
from benchmarks.harness.picture_sets import distance_table, kept_pictures, pictures_in
from benchmarks.harness.places import Places
from benchmarks.harness.runner import plan
from benchmarks.harness.suite import Suite
from benchmarks.harness.suite_file import parse_suite
from benchmarks.judges.networks.needs import FOLDER_VARIABLE, REQUIREMENTS, MissingError, package

needs_fidelity = pytest.mark.skipif(
    find_spec("torch_fidelity") is None,
    reason=f"torch_fidelity is not installed: pip install -r {REQUIREMENTS}",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where weights are looked for; empty."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def blurred_noise(path: Path, seed: int, side: int = 128) -> Path:
    """Write a picture of random colours."""
    few = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(few).resize((side, side), Image.Resampling.BICUBIC).save(path)
    return path


def test_the_distance_is_that_of_two_normal_distributions(tmp_path: Path) -> None:
    files = [blurred_noise(tmp_path / f"{seed}.png", seed) for seed in range(300)]
    found = Distance("judge", files[:140]).to(files[140:])
    levels = [np.asarray(Image.open(file)) for file in files]
    with torch.inference_mode():
        features = JudgeFeatures()(torch.from_numpy(np.stack(levels)).movedim(-1, 1)).double()
    ours, theirs = features[140:].numpy(), features[:140].numpy()
    first, second = np.cov(ours.T), np.cov(theirs.T)
    values, vectors = np.linalg.eigh(first)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T  # tr √(AB) = tr √(√A B √A), symmetric
    overlap = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    apart = ((ours.mean(0) - theirs.mean(0)) ** 2).sum()
    expected = apart + np.trace(first) + np.trace(second) - 2 * overlap
    assert found == pytest.approx(expected, rel=1e-3)


def test_a_set_is_at_no_distance_from_itself_and_is_kept_for_the_next(tmp_path: Path) -> None:
    sizes = (128, 96, 96, 128)
    files = [blurred_noise(tmp_path / f"{n}.png", n, side) for n, side in enumerate(sizes)]
    distance = Distance("judge", files)
    assert distance.to(files) == pytest.approx(0, abs=1e-3)
    others = [blurred_noise(tmp_path / f"{n}.png", n) for n in range(10, 14)]
    assert distance.to(others) > 0.1
    assert distance.to(files) == pytest.approx(0, abs=1e-3)


@needs_fidelity
def test_missing_weights_of_inception_are_named(folder: Path) -> None:
    with pytest.raises(MissingError, match=rf"{INCEPTION}: is missing\. Get .* https://github"):
        Distance("inception", [])


@needs_fidelity
def test_fid_with_random_weights_of_inception(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = package("torch_fidelity.feature_extractor_inceptionv3")
    with monkeypatch.context() as untrained:
        untrained.setattr(network, "load_state_dict_from_url", lambda *_, **__: {})
        untrained.setattr(network.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        torch.manual_seed(0)
        made = network.FeatureExtractorInceptionV3("random", ["2048"])
    for part in made.modules():
        if isinstance(part, torch.nn.Conv2d):  # so that the features do not fade with depth
            torch.nn.init.kaiming_normal_(part.weight)
    torch.save(made.state_dict(), folder / INCEPTION)
    files = [blurred_noise(folder / f"{seed}.png", seed) for seed in range(4)]
    distance = Distance("inception", files[:2])
    assert distance.to(files[:2]) == pytest.approx(0, abs=1e-2)
    assert distance.to(files[2:]) > 0.01


@pytest.fixture
def drawn(
    content: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Suite, Places]:
    """The small suite with a file for every picture, those of "weak" as the base model's."""
    monkeypatch.setattr(places_module, "ROOT", tmp_path)
    suite, places = parse_suite("small", content), Places("small")
    for task in plan(suite):
        shift = 100 if task.entry.label == "fia" else 0
        for shot in task.shots:
            seed = shift + sum(map(ord, shot.prompt)) + shot.seed
            blurred_noise(places.picture(task.origin, shot), seed)
    return suite, places


def test_the_table_compares_what_should_stay_with_the_base_model(
    drawn: tuple[Suite, Places],
) -> None:
    rows = distance_table(*drawn, "judge", None).splitlines()[6:]
    cells = [row.strip("| ").split(" | ") for row in rows]
    assert [row[:3] for row in cells] == [
        ["FIA, exact Eq. 1", "one", "4"],
        ["weak", "one", "4"],
        ["FIA, exact Eq. 1", "alone", "8"],
        ["weak", "alone", "8"],
    ]
    far, same = float(cells[0][3]), float(cells[1][3])
    assert same == pytest.approx(0, abs=1e-3) and far > 0.1


def test_one_method_needs_no_pictures_of_the_others(drawn: tuple[Suite, Places]) -> None:
    suite, places = drawn
    kept_pictures(suite, places, suite.entries[1], suite.groups)[0].unlink()
    rows = distance_table(*drawn, "judge", methods=["weak"]).splitlines()[6:]
    assert [row.split(" | ")[0] for row in rows] == ["| weak", "| weak"]
    with pytest.raises(ValueError, match="--method: 'none' is none of the suite's: base, fia"):
        distance_table(*drawn, "judge", methods=["none"])


def test_real_pictures_are_compared_with_the_base_models_too(
    drawn: tuple[Suite, Places], tmp_path: Path
) -> None:
    folder = tmp_path / "real"
    for seed in range(3):
        blurred_noise(folder / "photos" / f"{seed}.png", seed, side=64 + seed)
    rows = distance_table(*drawn, "judge", folder).splitlines()[6:]
    assert rows[0].startswith("| base model | one | 4 |") and len(rows) == 6


def test_pictures_that_are_not_there_are_counted(drawn: tuple[Suite, Places]) -> None:
    suite, places = drawn
    fia = suite.entries[1]
    kept_pictures(suite, places, fia, suite.groups)[0].unlink()
    with pytest.raises(ValueError, match=r"small: 1 of 4 pictures of 'fia' .*run\.py small"):
        distance_table(suite, places, "judge", None)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(ValueError, match="holds 0 pictures"):
        pictures_in(tmp_path)
