"""Natural models' suites: their names, and their sweeps read as lines."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from measured import every_shot, measured
from safetensors.torch import save_file

from benchmarks.analysis.curves import curve_parts
from benchmarks.analysis.equal_kept import _left, against, two_sided_p
from benchmarks.analysis.lines import Line, Point, lines, ranked
from benchmarks.harness import registry
from benchmarks.harness.places import Places
from benchmarks.harness.registry import check_suite
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan, run
from benchmarks.harness.sampling import AT_ONCE
from benchmarks.harness.shots import Shot, base_shots
from benchmarks.harness.suite import NOTHING, SUITES, Suite, SuiteError, Sweep
from benchmarks.harness.suite_file import LISTS, load_suite, parse_suite, read_toml
from benchmarks.judges import JUDGES
from benchmarks.judges.networks.needs import MissingError
from demo_model.judge import Judge
from demo_model.vocabulary import IMAGENETTE, STYLES
from natural_model.names import NEIGHBOURS, PROBED, WORLDS
from workbench.environment import ROOT

NATURAL = sorted((SUITES.parent / "natural").glob("*.toml"))
PEERS_MAY, OURS_MAY = 25, 20  # settings
NAMES = read_toml(LISTS)
VALIDATION = NAMES["validation"], NAMES["kept in validation"]
TEST = list(IMAGENETTE), NAMES["kept in tests"]


@pytest.mark.parametrize("change", [{"scenes": [""]}, {"concept": "style", "objects": ["cat"]}])
def test_scenes_alone_need_scenes(suite: Suite, content: dict[str, Any], change: Any) -> None:
    with pytest.raises(SuiteError, match="scenes_alone: the suite has no scenes; take it out"):
        parse_suite("small", content | change)


def test_the_judge_of_a_world_looks(folder: Path) -> None:
    """A network that has learned nothing: the answers are those of the network."""
    with pytest.raises(MissingError, match=r"world_b.safetensors.*start.py --world b judge"):
        JUDGES["world_b"].load()
    torch.manual_seed(0)
    pictures = torch.rand(2, 128, 128, 3)
    network = Judge(tuple(WORLDS["b"]), STYLES).eval()
    save_file(network.state_dict(), folder / "world_b.safetensors")
    seen = network.name_objects(pictures)
    shots = [Shot(seen[0], "", "", "", 1), Shot("church", "", "", "", 1)]
    assert JUDGES["world_b"].load()(pictures, shots, None) == [1.0, float(seen[1] == "church")]


@pytest.mark.parametrize("path", NATURAL, ids=lambda path: path.stem)
def test_no_method_has_more_settings_than_another_may(path: Path) -> None:
    suite = load_suite(path)
    check_suite(suite)
    counts = Counter((entry.use, entry.told) for entry in suite.entries)
    if not any(registry.method(use).is_peer for use, _ in counts):
        return  # other rules of ours, which are nobody's rivals
    for (use, _), count in counts.items():
        assert count <= (OURS_MAY if registry.method(use).kind == "ours" else PEERS_MAY), use


def test_what_chooses_settings_is_not_what_is_reported() -> None:
    validation, test = ({*forgotten, *kept} for forgotten, kept in (VALIDATION, TEST))
    assert len(validation) == len(test) == 30 and not validation & test
    assert validation <= set(WORLDS["a"]) and validation | test <= set(WORLDS["b"])
    assert not set(VALIDATION[0]) & set(PROBED)


def test_the_kept_validation_names_begin_with_neighbours_in_order() -> None:
    groups = {name: group for group, members in NEIGHBOURS.items() for name in members}
    for forgotten, kept in zip(*VALIDATION, strict=False):
        assert groups[forgotten] == groups[kept]


def point(kept: float, left: float, value: str = "1") -> Point:
    parts = {f"scale {value}": 1.0}
    return Point(value, parts, kept, kept, kept, left, there=1.0, from_scene=0.1, moved=0.02)


def line(label: str, *points: Point) -> Line:
    sweep = Sweep(use="nag", label=f"nag, {label}", setting="scale", values=(1.0, 2.0))
    return Line(sweep, (point(1, 1, "plain"), *points))


def test_a_line_is_read_at_a_kept_share() -> None:
    slow = line("slow", point(0.96, 0.6, "1"), point(0.86, 0.2, "2"))
    at_90, at_80 = slow.at(0.9), slow.at(0.8)
    assert at_90.left == pytest.approx(0.36) and at_90.value == "1 to 2"
    assert at_90.parts == pytest.approx({"scale 1": 0.4, "scale 2": 0.6})
    assert (at_80.left, at_80.kept) == (0.2, 0.86), "the line ends there"
    steep = line("steep", point(0.2, 0.0))
    assert steep.at(0.9).left == pytest.approx(0.875)
    late = line("late", point(0.9, 0.36), point(0.8, 0.1))
    assert ranked([steep, slow, late])["nag"][0] is late, "80 % decides ties"
    assert [one.title for one in ranked([steep, slow])["nag"]] == ["slow", "steep"]


@pytest.fixture
def suite(content: dict[str, Any]) -> Suite:
    """Two lines of NAG, one of SPEED that is told and one that is not."""
    content |= {
        "plain_prompt": "a photo of {scene}",
        "scenes_alone": True,
        "judges": ["demo_objects", "presence", "pixel_distance", "from_scene"],
        "groups": [{"name": "one", "concepts": ["church"]}],
        "methods": [{"use": "base"}],
        "reference": "nag, weak, scale 1.0",
        "curves": True,
        "chooses": True,
        "sweeps": [
            {"use": "nag", "label": f"nag, {name}", "setting": "scale", "values": [value, 9.0]}
            | ({"own": 9.0} if name == "weak" else {})
            for name, value in (("weak", 1.0), ("strong", 5.0))
        ]
        + [{"use": "speed", "setting": "retain_scale", "values": [1.0], "told": [False, True]}],
    }
    return parse_suite("natural/small", content)


def test_methods_are_told_or_not(suite: Suite) -> None:
    speed = [entry for entry in suite.entries if entry.use == "speed"]
    assert [(entry.label, entry.told) for entry in speed] == [
        ("speed, retain_scale 1.0", False),
        ("speed, told, retain_scale 1.0", True),
    ]
    hashes = {suite.settings_hash(entry) for entry in speed}
    (group,) = suite.groups
    other = suite.model_copy(update={"groups": (group.model_copy(update={"kept": ("cat",)}),)})
    assert len(hashes | {other.settings_hash(entry) for entry in speed}) == 3


def test_the_report_is_of_the_rows(suite: Suite, tmp_path: Path) -> None:
    """A third of the forgotten is left by NAG at scale 1, nothing at 5; all by SPEED, told."""
    found = {"nag, weak, scale 1.0": 1 / 3, "nag, strong, scale 5.0": 0.0}
    found |= {"speed, told, retain_scale 1.0": 1.0, "base": 1.0}
    rows = []
    for seed in suite.seeds:
        shots = base_shots(suite, suite.conditions[0], seed)
        churches = [shot for shot in shots if shot.object == "church"]
        for shot in shots:
            for label, share in found.items():
                left = churches[: round(3 * share)]
                named = float(shot not in churches or shot in left)
                values = {"demo_objects": named, "presence": 1.0, "pixel_distance": 0.02}
                group = "" if label == "base" else "one"
                rows += [(label, group, shot, judge, value) for judge, value in values.items()]
    made = measured(suite, rows)
    told, untold = lines(made, told=True), lines(made, told=False)
    assert [one.sweep.use for one in told] == ["speed"] and len(untold) == 2
    assert [it.left for it in untold[0].points] == [1.0, pytest.approx(1 / 3)]
    first, plot, *tables = curve_parts(made, tmp_path / "curves.png")
    page = "\n\n".join(tables)
    assert "draws 100% of the names to forget" in first and "curves.png" in plot
    assert "| NAG | strong, scale 5.0 | **0%** (keeps 100%) | – | 100% | – |" in page
    assert "| NAG | weak | strong | weak |" in page, "the lines for test names"
    assert page.index("## Not told") < page.index("| NAG") < page.index("## Told")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_lines_are_compared_at_an_equal_kept_share(
    suite: Suite, content: dict[str, Any], tmp_path: Path
) -> None:
    """At half of the way to scale 9, where 90 % is kept, the weak line has forgotten half, the
    strong one a quarter. Of neighbours twice as many are lost, of those not told of none."""
    group = {"name": "ten", "concepts": VALIDATION[0], "kept": VALIDATION[1]}
    group |= {"neighbours": VALIDATION[1][:10], "told": VALIDATION[1][:10]}
    few = {"groups": [group], "sweeps": content["sweeps"][:2], "chooses": False, "seeds": [0, 1]}
    of_tests = parse_suite("small", content | few)

    def value(label: str, _: str, shot: Shot, judge: str) -> float:
        if not label.endswith("scale 9.0"):
            return 1.0
        if shot.object in group["concepts"]:
            return 0.0 if "weak" in label else 0.5
        return 0.6 if shot.object in group["neighbours"] else 1.0

    made = every_shot(of_tests, value)
    weak, strong = lines(made, told=False)
    at = weak.at(0.9)
    assert (at.left, at.neighbours, at.unheard) == pytest.approx((0.5, 0.8, 1.0))
    assert weak.own and weak.own.left == 0
    ((found,),) = against(made, weak, [strong], [0.9])
    assert found.line is strong and found.difference == pytest.approx(0.25)
    assert 0.1 < found.low < 0.25 < found.high < 0.5, "how much is kept depends on the names"
    assert found.p == pytest.approx(2 / 10_001), "no draw is on the other side"
    page = "\n\n".join(curve_parts(made, tmp_path / "curves.png"))
    assert "NAG (weak) against the others" in page and "| NAG | strong | +25.0 (" in page
    assert "| 0% · 80% |" in page, "the authors' own setting"


def test_what_lines_leave_alike_is_no_difference(content: dict[str, Any], suite: Suite) -> None:
    """Interpolated at other places of their dials. Most kept names are never drawn, so that a draw
    of names may hold none that the plain model draws."""
    group = {"name": "ten", "concepts": VALIDATION[0], "kept": VALIDATION[1]}
    seeds = list(range(10))
    content |= {"groups": [group], "sweeps": content["sweeps"][:2], "chooses": False}
    of_tests = parse_suite("small", content | {"seeds": seeds})
    drawn = VALIDATION[1][0]

    def value(label: str, _: str, shot: Shot, judge: str) -> float:
        if shot.object in group["concepts"]:
            return float(shot.seed < 3 + group["concepts"].index(shot.object) % 5)
        lost = {"weak": 3, "strong": 7} if label.endswith("scale 9.0") else {}
        fewer = next((count for name, count in lost.items() if name in label), 0)
        return float(shot.object == drawn and shot.seed >= fewer)

    weak, strong = lines(every_shot(of_tests, value), told=False)
    ((found,),) = against(every_shot(of_tests, value), weak, [strong], [0.9])
    assert (found.difference, found.low, found.high) == pytest.approx((0, 0, 0), abs=1e-9)
    assert found.p == 1


def test_an_authors_setting_is_found_as_it_is_compared() -> None:
    """1 is 1.0, whose text is another."""
    sweep = Sweep(use="nag", label="nag", setting="scale", values=(1.0, 2.0), own=1)
    assert Line(sweep, (point(1, 1, "plain"), point(0.9, 0.5, "1.0"))).own


def test_a_reference_that_is_no_sweep_is_compared_with_nothing(
    content: dict[str, Any], suite: Suite, tmp_path: Path
) -> None:
    content |= {"chooses": False, "reference": "base"}
    made = every_shot(parse_suite("small", content), lambda *_: 1.0)
    assert "against the others" not in "".join(curve_parts(made, tmp_path / "curves.png"))


def test_a_method_with_one_setting_is_shown_at_what_it_keeps() -> None:
    sweep = Sweep(
        use="negative_prompt", label="negative_prompt", setting="wording", values=("list",)
    )
    assert Line(sweep, (point(1, 1, "plain"), point(0.4, 0.1, "list"))).at(0.9).kept == 0.4


def test_neighbours_are_kept(content: dict[str, Any]) -> None:
    content["groups"] = [{"name": "one", "concepts": ["church"], "neighbours": ["church"]}]
    with pytest.raises(SuiteError, match="'one': neighbours names what is not kept: church"):
        parse_suite("small", content)


def test_a_model_that_draws_nothing_has_no_curve(suite: Suite, tmp_path: Path) -> None:
    (sentence,) = curve_parts(every_shot(suite, lambda *_: 0.0), tmp_path / "curves.png")
    assert sentence.startswith("The plain model draws none of the names to keep")


def test_a_judge_of_scenes_needs_them_drawn(suite: Suite) -> None:
    check_suite(suite)
    with pytest.raises(SuiteError, match="from_scene needs scenes_alone = true; add it"):
        check_suite(suite.model_copy(update={"scenes_alone": False}))


def test_a_run_goes_on_after_a_setting_that_a_method_refuses(
    content: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """In the real host: a sweep in the middle asks for more of a name than there is."""
    few = {"contexts": ["park", "room"], "profile_steps": 1, "use_cache": False}
    content |= {
        "plain_prompt": "a photo of {scene}",
        "scenes_alone": True,
        "own_noise": True,
        "judges": ["demo_objects", "pixel_distance", "from_scene"],
        "groups": [{"name": "one", "concepts": ["church"]}],
        "kept_scenes": 3,
        "seeds": [1],
        "sampling": {"steps": 1, "batch_size": 8},
        "methods": [{"use": "base"}],
        "reference": "fia, strength 1.0",
        "curves": True,
        "sweeps": [
            {"use": "fia", "setting": "strength", "values": [1.0], "settings": few},
            {"use": "double_projections", "setting": "least", "values": [0.999], "told": True},
            {"use": "negative_prompt", "setting": "wording", "values": ["list"]},
        ],
    }
    suite, rows = parse_suite("natural/small", content), Rows()
    assert len(plan(suite)[0].shots) > AT_ONCE, "scenes are there before they are compared with"
    places = Places("natural/small", quick=True)
    shutil.rmtree(ROOT / "results" / "benchmarks" / "natural" / "small-quick", ignore_errors=True)
    run(suite, plan(suite), rows, places)
    assert "Double Projections divides by it" in capsys.readouterr().err
    seen = {(one.run.method, one.shot.object): one.values for one in rows.pictures.values()}
    base, fia = "base", "fia, strength 1.0"
    assert {method for method, _ in seen} == {base, fia, "negative_prompt, wording list"}
    seeds = {one.shot.object: one.shot.seed for one in rows.pictures.values()}
    assert [seeds[name] for name in ("church", "cat", "car")] == [1, 2, 3]
    misspelt = [{**one, "settings": {"strenght": 1}} for one in content["sweeps"][:1]]
    wrong = parse_suite("natural/small", content | {"sweeps": misspelt})
    with pytest.raises(SuiteError, match="'fia' has no setting 'strenght'"):
        run(wrong, plan(wrong), Rows(), places)
    assert seen[base, NOTHING]["from_scene"] == 0 and seen[base, "church"]["from_scene"] > 0.01
    assert seen[fia, "church"]["from_scene"] != seen[fia, "church"]["pixel_distance"] > 0


def test_draws_are_read_as_the_line_itself_is() -> None:
    """A draw that holds each name once leaves what the line leaves of all names."""
    read = line("dial", point(0.95, 0.6), point(0.7, 0.1, "2"), point(0.85, 0.3, "3"))
    labels = [label for one in read.points for label in one.parts]
    left = pd.DataFrame([[one.left for one in read.points]], columns=labels)
    kept = pd.DataFrame([[one.kept for one in read.points]], columns=labels)
    for share in (0.99, 0.9, 0.8, 0.72):
        assert _left(read, left, kept, share) == pytest.approx(read.at(share).left)
    nothing = _left(read, left, 0 * kept, 0.9)
    assert nothing == pytest.approx(1 - 0.1 * 0.4), (
        "kept names of which none is drawn: the plain end"
    )


def test_p_is_twice_the_smaller_side_of_the_draws() -> None:
    draws = np.array([[-1.0] * 3 + [1.0] * 96, [0.0] * 99])
    assert two_sided_p(draws) == pytest.approx([2 * 4 / 100, 1])
