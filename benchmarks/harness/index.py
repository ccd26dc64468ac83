"""The page that leads to every suite's report, with the figures that matter most."""

from collections.abc import Mapping, Sequence
from operator import attrgetter

from . import registry
from .comparisons import by_verdict, change_comparisons, comparisons, hardest, verdict
from .goals import goal_lines
from .ledger import Row, read_rows
from .measures import accuracy, distances
from .outcomes import Outcome, outcomes_of, over_seeds
from .places import SUITES, Places
from .report import current_rows
from .significance import Comparison
from .suite import Suite
from .suite_file import load_suite

HEAD = """# Results

What `python3 benchmarks/run.py <suite>` measured with the bundled model, suite by suite. Every
picture is a row of a `.csv` file here; `python3 benchmarks/report.py` writes this page and all
reports from the rows. A report says which of its rows were drawn by an earlier version. Figures are
percent, mean ± standard deviation over seeds, before → after forgetting: *forgotten* is the judge's
accuracy on what was forgotten, *kept* that on everything else; the *harmonic mean* is of
1 − forgotten and of what is kept as a share of what it was. How many pictures a figure rests on
stands in the reports."""

GOALS = """## Goals

What the suites should show, and what they show: *ahead* by Holm's p of pairs below 0.05, *equal* in
every pair; *met in part*: ahead of some. A peer counts in the setting that leaves FIA the least
ahead."""

TABLE = """## All suites

*Against peers* is the test of the harmonic mean, the last column that of how far pictures of what
is kept move (less is ahead): FIA is ahead of, equal to, or behind these methods, each in the
setting that leaves FIA the least ahead. *No difference shown* is by a test that could show one;
where all pairs are too few for that, nothing stands there."""

BEHIND = """## Where FIA is behind

Other methods, or other settings of FIA, that are better by the test of pairs or at every one of
five seeds or more; distances in percent of the range of values. By the Fréchet distance of sets of
kept pictures FIA is behind ConceptPrune's best setting and random weights, and ahead of all other
peers: [quality](quality_fid.md)."""

FEWEST_SEEDS = 5

OTHERS = """## Other measurements

- [what profiling costs](overhead.md) (`benchmarks/overhead.py`)
- [what profiling does on cards of several sizes, reckoned](cards.md) (`benchmarks/cards.py`)
- [from a moved slider to the new picture](loop.md) (`benchmarks/loop.py`)
- [speed, memory and files at the size of Stable Diffusion 1.5](true_size.md)
  (`benchmarks/true_size.py`)
- [what many prompts leave behind in a server](soak.md) (`benchmarks/soak.py`)"""

LIMITS = """## What these figures do not say

- The model is small and synthetic: 20 objects like emoji, 10 scenes, 4 styles, 128 × 128 pixels.
  It was trained so that few units before its second feed-forward layers carry each concept; the
  [model card](../../demo_model/MODEL_CARD.md) says how. That favours methods that prune there
  (FIA, ConceptPrune) over those that edit cross-attention (UCE, ESD-x) or guide sampling, and that
  FFN2 is the right layer to prune is so by construction. The figures show that the software does
  what the method says. Most parts of the method choose nearly the same weights here, even where
  results are far from perfect ([halfway](halfway.md), *overlap*), so that this model cannot tell
  what they are worth.
- On Stable Diffusion expect less: with ten Imagenette classes forgotten the paper reports an
  accuracy of 1.9 % on them, and for five forgotten and five kept a harmonic mean of 86.0 %.
  Concepts there have many synonyms, share weights with each other, and live in other layers too.
- The peers were written anew from their papers and their authors' code. They have the best of
  their settings in a sweep on other seeds ([objects](peers.md), [styles](style_peers.md)), some of
  which lie at its edge; what their authors recommend is shown beside where that forgets anything.
  On a large model they may rank otherwise. This model's text encoder reads 22 tokens at a time and
  knows only the words of its captions: methods that name many concepts in one text (negative
  prompt, Perp-Neg, SLD) have it harder here than with CLIP. Perp-Neg is made to correct a picture,
  not to remove what its own prompt asks for: at the scale at which it forgets it destroys pictures.
- Where several methods forget everything and keep everything, no difference between them can be
  shown: the model is too easy for them.
- Pairs of one seed share their noise, and groups share prompts: p-values tell less than they seem
  to. The reports also test the means at each seed alone; ten seeds (*objects*) can show a
  difference in that way, five cannot.
- The judge is a small network trained on renders of the same objects. It finds what it was trained
  to find; look at the pictures."""


def index() -> str:
    """The whole Markdown: goals, a table, plots, limits; suites without rows are left out."""
    suites = [load_suite(path) for path in sorted(SUITES.glob("*.toml"))]
    measured = [(suite, rows) for suite in suites if (rows := _rows(suite))]
    goals = ["| suite | goal | figure | |", "| --- | --- | --- | --- |"]
    lines = [
        "| suite | forgotten together | forgotten | kept | harmonic mean | against peers "
        "| kept pictures move, against peers |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    behind, pictures = [], []
    for suite, rows in measured:
        means, moves = _tests(suite, rows)
        goals += [f"| {_link(suite)} | {' | '.join(line)} |" for line in goal_lines(suite, rows)]
        lines += suite_lines(suite, rows, against_peers(suite, means), against_peers(suite, moves))
        behind += behind_lines(suite, "harmonic mean", means)
        behind += behind_lines(suite, "how far kept pictures move", moves)
        pictures += _pictures(suite)
    where = [BEHIND, "\n".join(behind)] if behind else []
    tables = [GOALS, "\n".join(goals), TABLE, "\n".join(lines)]
    return "\n\n".join([HEAD, *tables, *where, *pictures, OTHERS, LIMITS]) + "\n"


Tests = Mapping[str, Comparison]
"""By label."""


def _tests(suite: Suite, rows: Sequence[Row]) -> tuple[Tests, Tests]:
    """Of the harmonic mean, and of how far kept pictures move."""
    compared = distances(suite, rows)
    return (
        comparisons(suite, accuracy(suite, rows)),
        change_comparisons(suite, compared) if compared else {},
    )


def behind_lines(suite: Suite, what: str, tests: Tests) -> list[str]:
    """A line for every other method, or other setting of FIA, that the test finds better, or that
    is better at each of ``FEWEST_SEEDS`` or more seeds."""
    return [
        f"- {_link(suite)}, {what}: {registry.title(suite, label)} by "
        f"{-100 * test.difference:.2f} points; {test.pairs} pairs, {verdict(test)}, Holm p "
        f"{test.p_holm:.2g}; FIA ahead at {test.seeds_ahead} of {test.seeds} seeds"
        for label, test in tests.items()
        if verdict(test) == "behind" or FEWEST_SEEDS <= test.seeds == test.seeds_behind
    ]


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


def _rows(suite: Suite) -> list[Row]:
    path = Places(suite.name).rows
    return current_rows(suite, read_rows(path)) if path.exists() else []


def suite_lines(suite: Suite, rows: Sequence[Row], *against: str) -> list[str]:
    """A line a family of groups, with the first judge of what the suite forgets. ``against`` are
    further cells of the first."""
    answered = accuracy(suite, rows)
    lines = []
    for family, groups in suite.families.items():
        found = outcomes_of(suite, answered, suite.reference, groups)
        if found:
            cells = (
                f"{_before(found, 'forgotten_before')} → {_after(found, 'forgotten')}",
                f"{_before(found, 'kept_before')} → {_after(found, 'kept')}",
                _after(found, "harmonic_mean"),
                *([""] * len(against) if lines else against),  # over all groups together
            )
            lines.append(f"| {_link(suite)} | {family} | {' | '.join(cells)} |")
    return lines


def _before(found: Sequence[Outcome], figure: str) -> str:
    return f"{100 * over_seeds(found, attrgetter(figure)).mean:.1f}"


def _after(found: Sequence[Outcome], figure: str) -> str:
    return over_seeds(found, attrgetter(figure)).percent()


def _link(suite: Suite) -> str:
    return f"[{suite.name}]({suite.name}.md)"


def against_peers(suite: Suite, tests: Tests) -> str:
    """Other people's methods by what the tests say; empty where they can say nothing."""
    verdicts = by_verdict(hardest(suite, tests, "peer", "trained peer"))
    if set(verdicts) <= {"too few pairs"}:
        return ""
    return "; ".join(f"{word}: {', '.join(titles)}" for word, titles in verdicts.items())
