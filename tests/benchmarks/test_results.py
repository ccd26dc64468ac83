"""Reports, plots, page and README say what the rows say."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import ceil
from pathlib import Path

import matplotlib
import pytest

from benchmarks.analysis.comparisons import comparisons, hardest
from benchmarks.analysis.frames import Measured, of, over_seeds
from benchmarks.analysis.lines import TARGETS, Line, lines
from benchmarks.analysis.page import page
from benchmarks.analysis.report import write_report
from benchmarks.analysis.tables import margin
from benchmarks.harness import registry
from benchmarks.harness.places import SUITES, Places, suite_path
from benchmarks.harness.rows import Rows
from benchmarks.harness.suite_file import load_suite
from workbench.environment import ROOT

RESULTS = ROOT / "docs" / "results"
MEASURED = sorted(path.stem for path in SUITES.glob("*.toml") if Places(path.stem).rows.exists())
NATURAL = sorted(f"natural/{path.name}" for path in (RESULTS / "rows" / "natural").iterdir())
SAME_PLOTS = matplotlib.__version__ == "3.11.2"
"""Another version draws some pixels otherwise."""


@dataclass(frozen=True)
class Copied(Places):
    """Rows from the checkout; report and plots go to another folder below the root."""

    folder: str = ""

    @property
    def report(self) -> Path:
        return ROOT / self.folder / f"{self.suite}.md"

    def plot(self, name: str) -> Path:
        return ROOT / self.folder / f"{self.suite}_{name}.png"


@cache
def of_suite(name: str) -> Measured:
    return Measured(load_suite(suite_path(name)), Rows(Places(name).rows))


@pytest.mark.parametrize("name", [*MEASURED, *NATURAL])
def test_a_report_and_its_plots_are_written_byte_for_byte(name: str) -> None:
    suite, places = of_suite(name).suite, Copied(name, folder="results/benchmarks/again")
    places.report.parent.mkdir(parents=True, exist_ok=True)
    write_report(of_suite(name), places)
    assert places.report.read_text("utf-8") == (RESULTS / f"{name}.md").read_text("utf-8")
    for plot in (*suite.plots, *(("curves",) if suite.curves else ())):
        if SAME_PLOTS:
            was = RESULTS / f"{name}_{plot}.png"
            assert places.plot(plot).read_bytes() == was.read_bytes(), was.name


def test_the_page_is_written_byte_for_byte() -> None:
    """Without the sentence that changes with every commit to the code that draws."""
    suites = [of_suite(name) for name in MEASURED]
    kept = (RESULTS / "README.md").read_text("utf-8")
    assert without_sentence(page(suites)) == without_sentence(kept)


def without_sentence(text: str) -> str:
    return re.sub(r"\n\n(All rows|Rows of .*) were drawn by earlier code:.*", "", text)


def table_rows(file: Path, heading: str = "") -> dict[str, list[str]]:
    """Cells by the first one, of the first table after a heading."""
    text = file.read_text("utf-8").partition(heading)[2] if heading else file.read_text("utf-8")
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table, f"{file.name}: no table after {heading!r}"
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[0].splitlines()]
    return {cells[0].strip("*"): cells[1:] for cells in lines[2:]}


def shown(cell: str, digits: int) -> str:
    """A report's mean as the README rounds it."""
    return f"{float(cell.split(' ')[0]):.{digits}f} %"


OBJECTS = RESULTS / "objects.md"
README_ROWS = {
    "plain model": ("base model", ""),
    "Forget It All": ("FIA, exact Eq. 1", "FIA, spatial sparsity 0.5 %"),
    "ConceptPrune": ("ConceptPrune", "ConceptPrune, best of its sweep"),
    "UCE, told what to keep, best of a sweep": ("UCE, best of its sweep", ""),
    "ESD-x, trained": ("ESD-x, the paper's rate, best of its sweep", ""),
    "negative prompt": ("negative prompt", ""),
}


def test_the_readmes_table_says_what_the_report_says() -> None:
    accuracy = table_rows(OBJECTS, "## ten at once: the bundled judge, objects")
    moved = table_rows(OBJECTS, "## ten at once: mean pixel distance to the base model")
    table = table_rows(ROOT / "README.md", "### On the Demo Model")
    assert table.keys() == README_ROWS.keys()
    for name, (label, second) in README_ROWS.items():
        forgotten, kept, far = (cell.strip("*") for cell in table[name])
        assert forgotten.strip("*") == shown(accuracy[label][0], 0), name
        assert kept.strip("*") == shown(accuracy[label][1], 0), name
        figures = re.findall(r"[\d.]+ %", far)
        labels = [one for one in (label, second) if one and label != "base model"]
        assert figures == [shown(moved[one][3], 1) for one in labels], name


GUIDANCE_ROWS = {
    "negative prompt": "negative_prompt",
    "[NAG](https://arxiv.org/abs/2505.21179)": "nag",
    "[NegPiP](https://github.com/hako-mikan/sd-webui-negpip)": "negpip",
    "NegPiP at weight −1.3": "NegPiP, weight -1.3",
    "Forget It All": "fia",
}


def test_the_readme_says_of_guidance_1_what_both_judges_see() -> None:
    measured = of_suite("guidance_one")
    table = table_rows(ROOT / "README.md", "## At guidance 1")
    assert table.keys() == GUIDANCE_ROWS.keys()
    for name, label in GUIDANCE_ROWS.items():
        found, missed = [], []
        for judge in ("demo_objects", "transformer_objects"):
            pairs = measured.pairs(judge)
            own = pairs[pairs["method"] == label]
            gone, stays = own[own["forgotten"]]["after"], own[~own["forgotten"]]["after"]
            assert (len(gone), len(stays)) == (40, 80)
            found.append(f"{gone.sum():.0f}")
            missed.append(f"{(1 - stays).sum():.0f}")
        said = [cell.strip("*") for cell in table[name]]
        assert said == [" · ".join(found), " · ".join(missed)], name


NOISE, PICTURE = "from noise", "from the base model's picture"


def found_again(suite: str, judge: str, condition: str, method: str, pictures: int) -> int:
    """In how many pictures a judge finds what was forgotten, under one condition."""
    text = (RESULTS / f"{suite}.md").read_text("utf-8").partition(f": {judge}, objects")[2]
    lines = re.findall(r"^\|.*$", text.partition("by condition:")[2].partition("##")[0], re.M)
    methods, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    (cell,) = [row[methods.index(method)] for row in rows if row[0] == condition]
    return round(float(cell.split(" ")[0]) * pictures / 100)


def brought_back(condition: str) -> tuple[int, int]:
    """Of the pictures in which the judge that sees two objects found what FIA forgets later: in how
    many it still does, and their number."""
    pairs = of_suite("robust").pairs("transformer_objects")
    own = pairs[(pairs["method"] == "fia") & pairs["forgotten"] & (pairs["before"] == 1)]
    after = own.loc[own["condition"] == condition, "after"]
    return int(after.sum()), len(after)


def attacked(condition: str, method: str) -> int:
    """Of 20 pictures drawn with an embedding that was learned through the masked model."""
    return found_again("attack", "the bundled judge", condition, method, 20)


@pytest.mark.parametrize("page", ["README.md", "docs/robustness.md"])
def test_sentences_on_other_words_count_what_the_plain_model_drew(page: str) -> None:
    text = " ".join((ROOT / page).read_text("utf-8").split())
    none, drawn = brought_back(NOISE)
    bound = f"From noise none of the {drawn} that the plain model drew came back (at most"
    assert none == 0 and f"{bound} {ceil(10 * margin(drawn)) / 10} %" in text
    back, drawn = brought_back(PICTURE)
    assert f"from a picture of the object {back} of {drawn}." in text


@pytest.mark.parametrize("page", ["README.md", "docs/robustness.md"])
def test_sentences_on_attacks_say_what_the_reports_say(page: str) -> None:
    text = " ".join((ROOT / page).read_text("utf-8").split())
    fia, half = "FIA, exact Eq. 1", "FIA, spatial sparsity 0.5 %"
    assert f"in {attacked(NOISE, fia)} of 20 pictures from noise" in text
    assert f"in {attacked(PICTURE, fia)} of 20 that start from such a picture" in text
    assert f"half as large in {attacked(NOISE, half) + attacked(PICTURE, half)} of the 40" in text


def test_the_sentence_on_attacks_through_other_methods_says_what_the_report_says() -> None:
    text = " ".join((ROOT / "docs" / "robustness.md").read_text("utf-8").split())
    prune = "ConceptPrune"
    let = (attacked(NOISE, f"{prune}, 1 %"), attacked(PICTURE, f"{prune}, 1 %"))
    assert f"lets {let[0]} and {let[1]} through, at 0.5 % all;" in text
    assert attacked(NOISE, prune) + attacked(PICTURE, prune) == 40
    assert f"UCE {attacked(NOISE, 'UCE')} and {attacked(PICTURE, 'UCE')}." in text


@pytest.mark.parametrize(
    ("name", "figure", "least", "most"),
    [
        ("objects", "forgotten", 0, 2),
        ("objects", "kept_share", 95, 100),
        ("objects", "harmonic_mean", 90, 100),
        ("quality", "kept_share", 98, 100),
        ("styles", "forgotten", 0, 10),
        ("transfer", "kept_share", 97, 200),
    ],
)
def test_a_share_is_what_it_should_be_in_every_family_and_condition(
    name: str, figure: str, least: float, most: float
) -> None:
    measured = of_suite(name)
    suite = measured.suite
    for family, groups in suite.families.items():
        found = of(measured.accuracy, suite.reference, groups)
        for condition, here in found.groupby("condition"):
            share = 100 * over_seeds(here, figure).mean
            assert least <= share <= most, f"{family}, {condition}: {share}"


def test_pictures_of_a_forgotten_style_still_show_their_object() -> None:
    measured = of_suite("styles")
    judge = next(j for j in measured.suite.judges if registry.judge(j).aspect == "object")
    for groups in measured.suite.families.values():
        pairs = of(measured.pairs(judge), "fia", groups)
        for _, here in pairs.groupby("forgotten"):
            before, after = (over_seeds(here, name).mean for name in ("before", "after"))
            assert after / before >= 0.95


FORGETS_AS_WELL = {"ConceptPrune", "UCE"}
"""Training-free peers that the bundled model is too easy for."""


@pytest.mark.parametrize("name", ["objects", "robust", "scale", "styles"])
def test_fia_is_better_at_every_seed_than_training_free_peers_but_those_that_forget_as_well(
    name: str,
) -> None:
    measured = of_suite(name)
    tests = comparisons(measured, registry.judge_of_concepts(measured.suite))
    peers = hardest(measured.suite, tests, "peer")
    others = peers["seeds_ahead"] == peers["seeds"]
    assert others[~peers.index.isin(FORGETS_AS_WELL)].all()
    as_well = peers.loc[sorted(FORGETS_AS_WELL)]
    assert (as_well["seeds_behind"] == 0).all()
    assert (as_well["verdict_seeds"].isin(["equal", "too few differ"])).all()


def test_the_rule_of_fusion_is_better_than_the_union_only_where_forgetting_costs() -> None:
    for name, better in (("scale", 0), ("strong", 5)):
        measured = of_suite(name)
        tests = comparisons(measured, registry.judge_of_concepts(measured.suite))
        union = tests.loc["union"]
        assert (union["seeds_ahead"], union["seeds_behind"], union["seeds"]) == (better, 0, 5)


def test_preparation_for_each_concept_takes_less_time_with_more_of_them() -> None:
    runs = of_suite("scale").runs
    fia = runs[runs["method"] == "fia"]
    each = (fia["preparation_seconds"] / fia["concepts"]).groupby(fia["concepts"]).mean()
    assert all(earlier > later for earlier, later in pairwise(each))


def test_the_page_says_where_the_frechet_distance_puts_fia() -> None:
    found = table_rows(RESULTS / "quality_fid.md")
    ours = float(found["FIA, exact Eq. 1"][2])
    nearer = {name for name, cells in found.items() if float(cells[2]) < ours}
    assert nearer == {"ConceptPrune", "random weights, as many"}


NATURAL_TESTS = ("unet_deep_0_test", "unet_deep_0_alone", "twin_0", "twin_auraflow_0")
NATURAL_ROWS = {
    "Forget It All, r2 0.5 %": "fia, r2 0.5 %",
    "Forget It All, r2 1 %": "fia, r2 1 %",
    "Forget It All, r2 3 %": "fia, r2 3 %",
    "Forget It All, r2 10 %": "fia, r2 10 %",
    "Forget It All, the released form": "fia_released, r2 3 %",
    "ConceptPrune": "concept_prune, 3 %",
    "ConceptPrune, 10 %": "concept_prune, 10 %",
    "Double Projections": "double_projections, to three scenes",
    "NAG": "nag, τ 10, α 1",
    "NegPiP": "negpip, each name alone",
    "OCE": "oce, authors' scales",
    "Perp-Neg": "perpneg, as a list",
    "RECE": "rece, authors' λ 0.001",
    "ScaPre": "scapre, authors'",
    "SLD": "sld, else as its max",
    "SPEED": "speed, τ 10 %, to a photo",
    "UCE": "uce, last word's token",
    "FFN2 in closed form": "ffn2_edit, p 1",
    "Closed-Form LoRA": "closed_form_lora",
}
"""A page's name of a line, and its label in the suites."""


def left_cell(line: Line | None) -> str:
    """What is left at 90 and at 80 % kept; where a line ends before, what it leaves and keeps."""
    if line is None or len(line.points) < 3:  # no line: the plain model and one setting
        return "–"
    cells = []
    for target in TARGETS:
        at = line.at(target)
        ends = f" (keeps {at.kept:.0%})" if round(at.kept, 2) != target else ""
        cells.append(f"{at.left:.0%}{ends}".replace("%", ""))
    return " · ".join(dict.fromkeys(cells))


def natural_table(*columns: tuple[str, str]) -> dict[str, list[str]]:
    """A row a line that some column has, a column a suite, or several with a plus between, and a
    judge; "" is the suite's first."""
    found: list[dict[str, Line]] = []
    for names, judge in columns:
        measured = [of_suite(f"natural/{name}") for name in names.split("+")]
        read = [one.read_by(judge) if judge else one for one in measured]
        found.append({line.sweep.label: line for one in read for line in lines(one, told=False)})
    plain = [f"{next(iter(named.values())).points[0].left:.0%}".rstrip("%") for named in found]
    rows = {
        name: [left_cell(named.get(label)) for named in found]
        for name, label in NATURAL_ROWS.items()
    }
    return {"plain model": plain} | {
        name: cells for name, cells in rows.items() if any(cell != "–" for cell in cells)
    }


README_TABLES = {
    "#### One name alone": (
        ("twin_0_alone+twin_0_lora_alone", ""),
        ("twin_0_alone_others", ""),
        ("twin_2_alone+twin_2_lora_alone", ""),
        ("twin_auraflow_1_alone", ""),
        ("unet_deep_0_alone", ""),
    ),
    "#### Ten names at once": (
        ("twin_0_test", "demo_objects"),
        ("twin_0_test", "transformer_objects"),
        ("twin_0_test", "by_eye"),
        ("twin_2_test", ""),
        ("twin_auraflow_0", ""),
        ("twin_auraflow_1_test", ""),
    ),
}
"""The suites and judges of the README's columns."""


@pytest.mark.parametrize("heading", README_TABLES)
def test_the_readmes_first_tables_say_what_the_lines_leave(heading: str) -> None:
    """Of the lines that were drawn on the model that comes with the repository; where the node's
    own line was drawn, it stands for FFN2 in closed form."""
    columns = README_TABLES[heading]
    drawn = natural_table(*(one for one in columns if one[0].startswith("twin_0")))
    if "Closed-Form LoRA" in drawn:
        del drawn["FFN2 in closed form"]
    every = natural_table(*columns)
    assert table_rows(ROOT / "README.md", heading) == {name: every[name] for name in drawn}


def test_the_page_of_natural_models_has_every_line() -> None:
    table = natural_table(*((name, "") for name in NATURAL_TESTS))
    assert table_rows(ROOT / "docs" / "natural.md", "### Every line") == table


def test_the_page_of_natural_models_says_who_sees_what() -> None:
    judges = ("demo_objects", "transformer_objects")
    table = natural_table(*((name, it) for name in ("twin_0", "twin_auraflow_0") for it in judges))
    found = table_rows(ROOT / "docs" / "natural.md", "### By whom it is judged")
    assert len(found) > 5
    assert {name: table[name] for name in found} == found


def test_the_page_of_natural_models_has_the_other_seeds() -> None:
    """What another seed's lines leave; of seed 1 two suites have some each."""
    suites = ("twin_0_test", "twin_1", "twin_1_rule", "twin_2_test")
    table = natural_table(*((name, "") for name in suites), ("twin_2_test", "transformer_objects"))
    del table["plain model"]
    found = table_rows(ROOT / "docs" / "natural.md", "### Other seeds")
    assert found == {
        name: [first, rule if second == "–" else second, *third]
        for name, (first, second, rule, *third) in table.items()
    }
    order = [
        sorted(found, key=lambda name: int(found[name][column].split()[0])) for column in (0, 2)
    ]
    ours = "FFN2 in closed form"
    assert ours in order[0][:2] and ours in order[1][:2]
    assert order[0][0] == "ScaPre" == order[1][-1]


LORA_SUITES = {
    "each alone, UNet twin": "twin_0_lora_alone",
    "each alone, UNet twin of seed 2": "twin_2_lora_alone",
    "each alone, AuraFlow twin of seed 1": "twin_auraflow_1_alone",
    "ten at once, UNet twin": "twin_0_lora",
    "ten at once, AuraFlow twin of seed 1": "twin_auraflow_1_test",
}


def lora_table() -> dict[str, list[str]]:
    """Found and kept with Closed-Form LoRA at 80, 85, 90 and 95 %, by two judges."""
    table = {}
    for name, suite in LORA_SUITES.items():
        measured = of_suite(f"natural/{suite}")
        cells: dict[str, list[str]] = {}
        for judge in ("demo_objects", "transformer_objects"):
            every = lines(measured.read_by(judge), told=False)
            (line,) = (one for one in every if one.sweep.label == "closed_form_lora")
            for point in line.points[1:]:
                cell = f"{point.left:.0%} · {point.kept:.0%}".replace("%", "").replace("  ", " ")
                cells.setdefault(str(point.value), []).append(cell)
        shares = ("80.0", "85.0", "90.0", "95.0")
        table[name] = [
            "{} ({})".format(*cells[share]) if share in cells else "–" for share in shares
        ]
    return table


def test_the_page_of_natural_models_says_what_the_node_leaves() -> None:
    assert table_rows(ROOT / "docs" / "natural.md", "### Closed-Form LoRA") == lora_table()


SURE_IN = (
    *NATURAL_TESTS,
    "twin_0_test",
    "twin_2_test",
    "twin_0_alone",
    "twin_0_alone_others",
    "twin_2_alone",
    "twin_auraflow_1_test",
    "twin_auraflow_1_alone",
)


def test_the_page_of_natural_models_says_which_differences_are_sure() -> None:
    """By Holm's p in the reports' comparisons; no peer may leave surely less."""
    page = table_rows(ROOT / "docs" / "natural.md", "#### Which differences are sure")
    for report in SURE_IN:
        found = table_rows(RESULTS / "natural" / f"{report}.md", "against the others:")
        peers = {name: cells for name, cells in found.items() if not name.startswith("FIA")}
        cells = []
        for difference, p in ((1, 2), (3, 4)):
            sure = {name: row[difference] for name, row in peers.items() if float(row[p]) < 0.05}
            assert all(it.startswith("+") for it in sure.values())
            cells.append(", ".join(sorted(sure)) or "–")
        assert page.pop(f"[{report}](results/natural/{report}.md)") == cells
    assert not page


def test_the_readme_says_what_protect_does_to_a_mask() -> None:
    (line,) = (
        line
        for line in lines(of_suite("natural/twin_0_told"), told=True)
        if line.sweep.label == "fia, r2 3 %, told"
    )
    end = line.points[-1]
    assert (end.value, end.kept, end.unheard) == ("2.0", 1, 1)
    report = RESULTS / "natural" / "twin_0_protect.md"
    five, ten = (
        table_rows(report, f"## {told} told:")["FIA, exact Eq. 1, r2 3 %, told, strength 2.0"]
        for told in ("five", "ten")
    )
    assert [shown(cell, 0) for cell in ten[:2]] == ["100 %", "100 %"]
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert f"r2 3 % and strength 2 leave {100 * end.left:.0f} %" in readme
    assert f"but {shown(five[0], 0)} of its other ten ({float(five[1].split()[0]):.0f} % kept)" in (
        readme
    )
