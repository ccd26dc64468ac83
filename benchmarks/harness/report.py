"""A suite's report: tables a family of groups and judge, tests, what was run."""

from collections.abc import Sequence

from workbench.environment import ROOT

from . import registry
from .agreement import agreement_table, judge_pairs
from .best_settings import best_settings_list
from .comparisons import change_comparisons, comparisons, test_table
from .goals import goal_table
from .ledger import Row
from .outcomes import Answered
from .places import Places
from .plots import PLOTS
from .provenance import noted_commits
from .shots import suite_seeds
from .suite import Suite
from .tables import (
    accuracy_table,
    cost_table,
    each_table,
    other_table,
    settings_list,
    split_tables,
)


def report(suite: Suite, rows: Sequence[Row], places: Places) -> str:
    """The whole Markdown; its plots are written beside it.

    Raises:
        ValueError: there are no rows of the suite.
    """
    rows = current_rows(suite, rows)
    if not rows:
        raise ValueError(f"{suite.name}: there are no rows; run the suite first.")
    parts = [*heading(suite), suite.about, made_from(suite, rows, places)]
    for name in suite.plots:
        PLOTS[name](suite, rows, places.plot(name))
        parts.append(f"![{name.replace('_', ' ')}]({places.plot(name).name})")
    goals = goal_table(suite, rows)
    if goals:
        parts += ["## Goals", goals]
    for judge in suite.judges:
        if not any(row.judge == judge for row in rows):
            continue
        answered = Answered(rows, judge)
        if registry.judge(judge).aspect != suite.concept or suite.prompt_file:
            parts += other_parts(suite, answered)
            continue
        for family, groups in suite.families.items():
            parts += [f"## {family}: {registry.judge(judge).title}"]
            parts += [accuracy_table(suite, answered, groups)]
            if len(groups) > 1:
                parts += [each_table(suite, answered, groups)]
            parts += split_tables(suite, answered, groups)
        tests = comparisons(suite, answered)
        if tests:
            reference = registry.title(suite, suite.reference)
            parts += [f"## {reference} against the others: {registry.judge(judge).title}"]
            parts += [test_table(suite, tests, "the harmonic means")]
    for first, second in judge_pairs(suite):
        agreed = agreement_table(suite, rows, first, second)
        if agreed:
            parts += ["## Do the judges agree?", agreed]
    distances = places.distances
    if distances.exists():
        parts += [f"Between sets of pictures, measured apart: [{distances.name}]({distances.name})"]
    best = best_settings_list(suite, rows) if suite.chooses else ""
    if best:
        rule = "The highest harmonic mean; among equals the least distance of kept pictures."
        parts += ["## Best setting of each peer", rule, best]
    costs = cost_table(suite, rows)
    if costs:
        parts += ["## What it takes", costs]
    settings = settings_list(suite, rows)
    if settings:
        parts += ["## Settings", settings]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_report(suite: Suite, rows: Sequence[Row], places: Places) -> None:
    """Write it to its file, and name that.

    Raises:
        ValueError: there are no rows of the suite.
    """
    text = report(suite, rows, places)
    places.report.parent.mkdir(parents=True, exist_ok=True)
    places.report.write_text(text, encoding="utf-8")
    print(places.report.relative_to(ROOT))


def other_parts(suite: Suite, answered: Answered) -> list[str]:
    """Tables of a judge that does not look for the concepts, and tests where it compares."""
    judge = registry.judge(answered.judge)
    parts = []
    for family, groups in suite.families.items():
        parts += [f"## {family}: {judge.title}", other_table(suite, answered, groups)]
    tests = change_comparisons(suite, answered) if judge.compares else {}
    if tests:
        reference = registry.title(suite, suite.reference)
        parts += [f"## {reference} against the others: {judge.title}"]
        parts += [test_table(suite, tests, "the mean distance of kept pictures, less is ahead", 2)]
    return parts


def heading(suite: Suite) -> list[str]:
    """The title; of a dry run, with the warning that its figures are no result."""
    if not suite.dry_run:
        return [f"# {suite.title}"]
    return [
        f"# Dry run: {suite.title}",
        "**The bundled demo model stood in for the checkpoint, with other concepts, prompts and "
        "judges. This shows that the suite runs from end to end. Its figures say nothing about "
        "the paper's model and are no result.**",
    ]


def current_rows(suite: Suite, rows: Sequence[Row]) -> list[Row]:
    """Rows of the suite's methods as they are set now."""
    known = {entry.label: suite.settings_hash(entry) for entry in suite.entries}
    return [row for row in rows if known.get(row.origin.method) == row.origin.settings]


def made_from(suite: Suite, rows: Sequence[Row], places: Places) -> str:
    """How many pictures of what, and the command."""
    pictures = {(row.origin, row.shot) for row in rows if row.shot.prompt}
    by_shot = suite_seeds(suite)
    seeds = sorted({by_shot[shot] for _, shot in pictures if shot in by_shot})
    form = " --quick" if places.quick else " --dry-run" if places.dry_run else ""
    return (
        f"{len(pictures):,} pictures, seeds {', '.join(map(str, seeds))}; prompts "
        f"{asked_for(suite)}. Figures are percent, mean ± standard deviation over seeds, made as "
        "`benchmarks/README.md` says. Rows: "
        f"`{places.rows.name}`{drawn_from(places)}. {earlier(suite, rows)}{unmeasured(suite, rows)}"
        f"{redrawn(places)}Written by `python3 benchmarks/run.py {suite.name}{form}`."
    )


def asked_for(suite: Suite) -> str:
    """The templates, or the file that the prompts come from."""
    if suite.prompt_file is None:
        return ", ".join(f"“{prompt}”" for prompt in suite.prompts)
    own = ", each with its own seed added" if suite.prompt_file.seed else ""
    return f"of `{suite.prompt_file.path.name}`{own}"


def drawn_from(places: Places) -> str:
    """The commits behind the rows, where they are known."""
    commits = noted_commits(places.commits)
    return f", drawn from {', '.join(commits)}" if commits else ""


def earlier(suite: Suite, rows: Sequence[Row]) -> str:
    """Which methods' rows were made with other code or models than there are now."""
    made = {(row.origin.method, row.origin.version) for row in rows}
    changed = [
        registry.entry_title(entry)
        for entry in suite.entries
        if any(
            label == entry.label and version != registry.version(suite, entry)
            for label, version in made
        )
    ]
    if not changed:
        return ""
    all_of_them = len(changed) == len({label for label, _ in made})
    return f"Made with earlier code or models: {'all' if all_of_them else ', '.join(changed)}. "


def unmeasured(suite: Suite, rows: Sequence[Row]) -> str:
    """Which of the suite's methods have no rows."""
    measured = {row.origin.method for row in rows}
    titles = [registry.entry_title(entry) for entry in suite.entries if entry.label not in measured]
    return f"Not measured: {', '.join(titles)}. " if titles else ""


def redrawn(places: Places) -> str:
    """What ``benchmarks/redraw.py`` found, where it was run after these rows were drawn."""
    return (
        places.redrawn.read_text(encoding="utf-8").strip() + " " if places.redrawn.exists() else ""
    )
