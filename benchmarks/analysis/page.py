"""The page that leads to every suite's report, with the figures that matter most."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import registry
from benchmarks.harness.places import Places
from benchmarks.harness.provenance import has_changed
from benchmarks.harness.suite import Suite

from .comparisons import by_standing, change_comparisons, comparisons, hardest, standing
from .frames import Frame, Measured, of, over_seeds
from .tables import table

TEXT = Path(__file__).with_name("page.md")
FEWEST_SEEDS = 5
HEAD = [
    "suite",
    "forgotten together",
    "forgotten",
    "kept",
    "harmonic mean",
    "against peers",
    "kept pictures move, against peers",
]


def page(suites: Sequence[Measured]) -> str:
    """The whole Markdown, ``page.md`` with a table, what is better than FIA, and plots put in."""
    lines: list[list[str]] = []
    behind: list[str] = []
    pictures: list[str] = []
    for measured in suites:
        suite = measured.suite
        means = comparisons(measured, registry.judge_of_concepts(suite))
        moves = change_comparisons(measured)
        lines += suite_lines(measured, against_peers(suite, means), against_peers(suite, moves))
        behind += behind_lines(suite, "harmonic mean", means)
        behind += behind_lines(suite, "how far kept pictures move", moves)
        pictures += _pictures(suite)
    text = TEXT.read_text(encoding="utf-8")
    return text.format(
        earlier=earlier(suites),
        table=table(HEAD, lines),
        behind="\n".join(behind),
        pictures="\n\n".join(pictures),
    )


def earlier(suites: Sequence[Measured]) -> str:
    """Which suites' rows were drawn by other code than there is now."""
    changed = [
        _link(measured.suite)
        for measured in suites
        if any(map(has_changed, measured.commits.values()))
    ]
    if not changed:
        return ""
    which = "All rows" if len(changed) == len(suites) else f"Rows of {', '.join(changed)}"
    return (
        f"\n\n{which} were drawn by earlier code: `fia_core/`, `nodes/` or `demo_model/` have "
        "changed since the commits that the reports name. `python3 benchmarks/redraw.py <suite>` "
        "draws a sample again and fails where a judge sees a picture otherwise."
    )


def suite_lines(measured: Measured, *against: str) -> list[list[str]]:
    """A line a family of groups, with the first judge of what the suite forgets. ``against`` are
    further cells of the first."""
    suite, lines = measured.suite, []
    for family, groups in suite.families.items():
        found = of(measured.accuracy, suite.reference, groups)
        if len(found):
            shares = [
                f"{100 * over_seeds(found, f'{name}_before').mean:.1f} → "
                f"{over_seeds(found, name).percent()}"
                for name in ("forgotten", "kept")
            ]
            mean = over_seeds(found, "harmonic_mean").percent()
            last = [""] * len(against) if lines else against  # over all groups together
            lines.append([_link(suite), family, *shares, mean, *last])
    return lines


def behind_lines(suite: Suite, what: str, tests: Frame) -> list[str]:
    """A line for every other method, or other setting of FIA, that the test of seeds finds better,
    or that is better at each of ``FEWEST_SEEDS`` or more seeds."""
    return [
        f"- {_link(suite)}, {what}: {registry.title(suite, test.Index)} by "
        f"{-100 * test.difference:.2f} points: FIA is {standing(test)}"
        for test in tests.itertuples()
        if test.verdict_seeds == "behind" or FEWEST_SEEDS <= test.seeds == test.seeds_behind
    ]


def against_peers(suite: Suite, tests: Frame) -> str:
    """Other people's methods by what the seeds say; empty where there are none."""
    found = by_standing(hardest(suite, tests, "peer", "trained peer"))
    return "; ".join(f"{words}: {', '.join(titles)}" for words, titles in found.items())


def _pictures(suite: Suite) -> list[str]:
    """A suite's heading, plots and grid with the commands that make them."""
    places = Places(suite.name)
    plots = [path for name in suite.plots if (path := places.plot(name)).exists()]
    parts = [f"![{suite.title}]({path.name})" for path in plots]
    if plots:
        parts.append(f"*`python3 benchmarks/run.py {suite.name}`, [report]({suite.name}.md)*")
    if places.grid.exists():
        parts.append(f"![{suite.title}: pictures]({places.grid.name})")
        parts.append(
            f"*`python3 benchmarks/grid.py {suite.name}`: the first group at the first seed; "
            "in red what was to be forgotten*"
        )
    return [f"## {suite.title}", *parts] if parts else []


def _link(suite: Suite) -> str:
    return f"[{suite.name}]({suite.name}.md)"
