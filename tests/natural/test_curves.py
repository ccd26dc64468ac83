"""The curves of forgotten against kept: what they measure, and how they are read."""

import csv
from pathlib import Path
from typing import Any

import curve_subject
import curves
import pytest
import torch
from conftest import TINY
from curve_lines import BUDGET, LINES
from curve_report import Curve, Point, best, read, report, same_lines
from curve_report import curves as curves_of
from curve_subject import Asked, Drawn, Subject
from curves import chosen_lines, measure
from draw import GUIDANCE, load_model
from guidance import chosen
from hosted import host_recipe
from judge import Judge, load_judge
from names import CURVE_NAMES, NEIGHBOURS, PROBED, TEST, VALIDATION, WORLD_A, WORLDS, CurveNames
from paths import BUNDLED
from recipes import RECIPES, Recipe
from test_training import stirred
from train_presence_judge import SOMETHING, presence_renders
from vocabulary import IMAGENETTE, OBJECTS, STYLES
from world import drawn_world

TWO = CurveNames("bundled", "validation", ("church", "tench"), ("cat", "car"))


@pytest.fixture(scope="module")
def bundled() -> Drawn:
    held = load_model(BUNDLED)
    return Drawn(held.model, held.clip, held.vae)


@pytest.fixture
def subject(bundled: Drawn) -> Subject:
    """The bundled model and its judge, and a judge of presence that has learned nothing."""
    torch.manual_seed(0)
    presence = Judge((SOMETHING,), STYLES).eval()
    judge = load_judge(tuple(OBJECTS), STYLES)
    return Subject("bundled", bundled, Asked(TWO, ["desert"], 5), GUIDANCE, judge, presence)


@pytest.fixture(autouse=True)
def short_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve_subject, "CONTEXTS", ("park", "room"))


def rows_of(folder: Path) -> list[dict[str, str]]:
    return read(folder / "curves.csv")


def test_a_run_goes_on_where_it_was(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("draw.STEPS", 3)
    lines = chosen_lines(["fia", "speed", "nag"], 1, 1)
    assert [line.values for line in lines] == [(0.5,), (0.5,), (100.0,), (2.0,)]
    with torch.inference_mode():
        measure(subject, lines[1:3], tmp_path)
        before = rows_of(tmp_path)
        drawings: list[int] = []
        draw = curve_subject.draw

        def counted(*arguments: Any, **options: Any) -> Any:
            drawings.append(1)
            return draw(*arguments, **options)

        monkeypatch.setattr(curve_subject, "draw", counted)
        measure(subject, lines[2:], tmp_path)
    after = rows_of(tmp_path)
    assert after[: len(before)] == before and len(drawings) == 1
    assert [row["group"] for row in before[:3]] == ["forgotten", "kept", "scenes alone"]
    methods = [(row["told"], row["method"], row["group"]) for row in after[3:]]
    assert methods == [
        (told, method, group)
        for told, method in (
            ("no", "FIA, released Eq. 1"), ("no", "SPEED"),
            ("yes", "FIA, released Eq. 1"), ("yes", "SPEED"), ("no", "NAG"),
        )
        for group in ("forgotten", "kept")
    ]  # fmt: skip
    assert len(list((tmp_path / "sheets").iterdir())) == 5


def test_the_figures_are_of_the_right_pictures(subject: Subject) -> None:
    plain, scenes = subject.references
    for group, part in (("forgotten", slice(2)), ("kept", slice(2, 4))):
        as_asked = subject.figures(group, plain)
        moved = float((plain[part] - scenes[part]).abs().mean())
        assert as_asked["pictures"] == 2 and as_asked["named"] == 1.0
        assert as_asked["from plain"] == 0 and as_asked["from scene"] == pytest.approx(
            moved, abs=1e-5
        )
        empty = subject.figures(group, scenes)
        assert empty["named"] == 0.0 and empty["from scene"] == 0


def test_a_mask_forgets_and_protects(subject: Subject) -> None:
    fia = next(line for line in LINES if line.function == "fia" and "r2 1 %" in line.label)
    with torch.inference_mode():
        drawn = subject.erased(fia, 1.0, told=True)
        again = subject.erased(fia, 1.0, told=True)
    assert drawn.negative == "" and drawn.clip is subject.plain.clip
    assert drawn.model.patches and again.model.patches
    assert len(subject._profiles) >= 4  # of the kept names, too


@pytest.mark.parametrize("recipe", [TINY, RECIPES["auraflow"]], ids=["unet", "auraflow"])
def test_every_method_takes_a_natural_model(recipe: Recipe) -> None:
    held = host_recipe(recipe, stirred(recipe))
    plain, judge = Drawn(held.model, held.clip, held.vae), Judge(tuple(WORLD_A), STYLES).eval()
    asked = Asked(VALIDATION.first(2), ["desert"], 5)
    subject = Subject("untrained", plain, asked, GUIDANCE, judge, judge)
    noisy, level = torch.randn(1, 8, 16, 16), torch.tensor([0.9])
    with torch.inference_mode():
        for line in chosen_lines([], 1, 1):
            if line.function == "esdx" and recipe.network == "auraflow":
                with pytest.raises(ValueError, match="no cross-attention layers"):
                    subject.erased(line, line.values[0], told=False)
                continue
            told = bool(line.kept_as) and line.function != "fia"
            drawn = subject.erased(line, line.values[0], told)
            context = drawn.clip.encode_from_tokens(drawn.clip.tokenize("a photo of a poodle"))
            options = {"cond_or_uncond": [0], "sigmas": level, "sample_sigmas": level}
            options |= drawn.model.model_options["transformer_options"]
            drawn.model.patch_model()
            answer = held.model.model.apply_model(
                noisy, level, c_crossattn=context, transformer_options=options
            )
            drawn.model.unpatch_model()
            assert answer.isfinite().all(), line.method


def test_no_method_has_more_settings_than_another_may() -> None:
    for method in {line.method for line in LINES}:
        settings = sum(len(line.values) for line in LINES if line.method == method)
        assert settings <= BUDGET, method


@pytest.mark.parametrize(
    ("use", "world"), [("validation", "a"), ("validation", "b"), ("test", "b")]
)
def test_the_names_of_a_curve_are_in_the_world(use: str, world: str) -> None:
    names = CURVE_NAMES[use]
    both = set(names.forgotten + names.kept)
    assert names.use == use and len(both) == 30 and both <= set(WORLDS[world])


def test_what_chooses_settings_is_not_what_is_reported() -> None:
    test = set(TEST.forgotten + TEST.kept)
    assert not test & set(VALIDATION.forgotten + VALIDATION.kept)
    assert TEST.forgotten == IMAGENETTE


def test_the_kept_validation_names_are_neighbours_in_order() -> None:
    names = VALIDATION
    assert not set(names.forgotten) & set(PROBED)
    groups = {name: group for group, members in NEIGHBOURS.items() for name in members}
    for forgotten, kept in zip(names.forgotten, names.kept, strict=False):
        assert groups[forgotten] == groups[kept]


def point(kept: float, left: float, value: str = "1") -> Point:
    figures = {"named": left, "something": 1.0, "from scene": 0.1, "from plain": 0.1}
    return Point(value, kept, figures, 0.02)


def test_a_line_is_read_at_a_kept_share() -> None:
    line = Curve(
        "m", "s", "d", (point(1, 1, "plain"), point(0.96, 0.6, "1"), point(0.86, 0.2, "2"))
    )
    at_90, at_80 = line.at(0.9), line.at(0.8)
    assert at_90.left["named"] == pytest.approx(0.36) and at_90.value == "1 to 2"
    assert at_80.left["named"] == 0.2 and at_80.kept == 0.86  # the line ends there
    steep = Curve("m", "t", "d", (point(1, 1, "plain"), point(0.2, 0.0)))
    assert steep.at(0.9).left["named"] == pytest.approx(0.875)
    assert best([steep, line])["m"] is line
    assert same_lines([steep, line], {"m": steep}) == {"m": steep}


def test_the_report_is_of_the_rows(tmp_path: Path) -> None:
    columns = [
        *("model", "names", "use", "seed", "guidance"),
        *("told", "method", "settings", "dial", "value"),
        *("group", "pictures", "named", "something"),
    ]
    rows: list[dict[str, Any]] = []

    def add(told: str, method: str, value: str, figures: dict[str, float]) -> None:
        for group, named in figures.items():
            about = ("bundled", "bundled", "validation", "7", "4", told, method, "s", "d", value)
            row = dict(zip(columns, (*about, group, 20, named, 1), strict=True))
            rows.append(row | {"from scene": 0.1, "from plain": 0.1, "seconds": 1})

    add("no", "plain model", "", {"forgotten": 1.0, "kept": 0.8, "scenes alone": 0.0})
    add("no", "NAG", "2", {"forgotten": 0.5, "kept": 0.72})
    add("yes", "SPEED", "1", {"forgotten": 0.25, "kept": 0.8})
    file = tmp_path / "curves.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (nag,) = curves_of(read(file), "no")
    assert [p.kept for p in nag.points] == pytest.approx([1.0, 0.9])
    report(read(file), tmp_path / "page.md")
    page = (tmp_path / "page.md").read_text()
    assert "| NAG | s, d 2 | **50%** |" in page and "| SPEED | s, d 1 | **25%** |" in page
    places = [page.index(part) for part in ("### Not told", "| NAG", "### Told", "| SPEED")]
    assert places == sorted(places)
    assert (tmp_path / "page.png").stat().st_size > 10_000
    file.write_text(
        file.read_text() + file.read_text().split("\n")[1].replace("bundled", "unet-0", 1)
    )
    with pytest.raises(ValueError, match=r"--model: .* has rows of bundled, unet-0; name one"):
        read(file)
    assert len(read(file, model="unet-0")) == 1
    second = file.read_text().split("\n")[1]
    file.write_text(file.read_text() + "\n" + second.replace(",7,4,", ",7,5,", 1))
    with pytest.raises(ValueError, match=r"--guidance: .* has rows of 4, 5; name one"):
        read(file, model="bundled")


def test_half_of_the_presence_renders_show_something(drawings: Path) -> None:
    import numpy as np

    world = drawn_world("a", drawings)
    pictures, there, styles = presence_renders(world, 60, np.random.default_rng(0))
    assert len(pictures) == 60 and 20 < int(there.sum()) < 40
    assert int(styles.max()) <= len(STYLES)


def test_the_guidance_is_the_lowest_that_draws_enough() -> None:
    assert chosen({2.0: 0.9, 3.0: 0.96, 4.0: 0.99}) == 3.0
    assert chosen({2.0: 0.5, 3.0: 0.8, 4.0: 0.7}) == 3.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--use", "test"], "--use: the bundled model has validation names alone"),
        (
            ["--use", "test", "--recipe", "unet", "--checkpoint", "a.pt", "--judge", "j"],
            "--use: world a has no test names; take --world b",
        ),
        (["--checkpoint", "a.pt"], "--checkpoint: say its --recipe and the --judge"),
    ],
)
def test_names_that_a_model_does_not_know_are_refused(
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["curves.py", "--presence", "p", "--out", "o", *options]
    monkeypatch.setattr("sys.argv", given)
    with pytest.raises(SystemExit):
        curves.main()
    assert message in capsys.readouterr().err
