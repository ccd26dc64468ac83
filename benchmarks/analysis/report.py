"""A suite's report: tables a family of groups and judge, tests, what was run."""

from benchmarks.harness import registry
from benchmarks.harness.places import Places
from benchmarks.harness.suite import Suite
from workbench.environment import ROOT

from .comparisons import change_comparisons, comparisons
from .curves import curve_parts
from .frames import Measured
from .plots import PLOTS
from .tables import (
    accuracy_table,
    agreement_table,
    best_settings_list,
    cost_table,
    each_table,
    judge_pairs,
    other_table,
    settings_list,
    split_tables,
    test_table,
)


def report(measured: Measured, places: Places) -> str:
    """The whole Markdown; its plots are written beside it.

    Raises:
        ValueError: there are no rows of the suite.
    """
    suite = measured.suite
    if not len(measured.pictures):
        raise ValueError(f"{suite.name}: there are no rows; run the suite first.")
    parts = [*heading(suite), suite.about, made_from(measured, places)]
    if suite.curves:
        parts += curve_parts(measured, places.plot("curves"))
    else:
        parts += suite_parts(measured, places)
    return "\n\n".join(part for part in parts if part) + "\n"


def suite_parts(measured: Measured, places: Places) -> list[str]:
    """Plots, tables and tests of all judges, costs and settings."""
    suite = measured.suite
    parts: list[str] = []
    for name in suite.plots:
        PLOTS[name](measured, places.plot(name))
        parts.append(f"![{name.replace('_', ' ')}]({places.plot(name).name})")
    for judge in suite.judges:
        if judge in measured.pictures:
            parts += judge_parts(measured, judge)
    for pair in judge_pairs(suite):
        agreed = agreement_table(measured, *pair)
        parts += ["## Do the judges agree?", agreed] if agreed else []
    distances = places.distances
    if distances.exists():
        parts += [f"Between sets of pictures, measured apart: [{distances.name}]({distances.name})"]
    best = best_settings_list(measured) if suite.chooses else ""
    if best:
        rule = "The highest harmonic mean; among equals the least distance of kept pictures."
        parts += ["## Best setting of each peer", rule, best]
    for title, part in (
        ("## What it takes", cost_table(measured)),
        ("## Settings", settings_list(measured)),
    ):
        parts += [title, part] if part else []
    return parts


def write_report(measured: Measured, places: Places) -> None:
    """Write it to its file, and name that.

    Raises:
        ValueError: there are no rows of the suite.
    """
    text = report(measured, places)
    places.report.parent.mkdir(parents=True, exist_ok=True)
    places.report.write_text(text, encoding="utf-8")
    print(places.report.relative_to(ROOT))


def judge_parts(measured: Measured, name: str) -> list[str]:
    """Tables and tests of one judge."""
    suite, judge, parts = measured.suite, registry.judge(name), []
    of_concepts = judge.aspect == suite.concept and not suite.prompt_file
    for family, groups in suite.families.items():
        parts.append(f"## {family}: {judge.title}")
        if not of_concepts:
            parts.append(other_table(measured, name, groups))
            continue
        parts.append(accuracy_table(measured, name, groups))
        if len(groups) > 1:
            parts.append(each_table(measured, name, groups))
        parts += split_tables(measured, name, groups)
    if of_concepts:
        tests, what, digits = comparisons(measured, name), "the harmonic means", 1
    else:
        tests = change_comparisons(measured) if judge.compares == "picture" else []
        what, digits = "the mean distance of kept pictures, less is ahead", 2
    if len(tests):
        reference = registry.title(suite, suite.reference)
        parts += [f"## {reference} against the others: {judge.title}"]
        parts += [test_table(suite, tests, what, digits)]
    return parts


def heading(suite: Suite) -> list[str]:
    """The title; of a dry run, with the warning that its figures are no result."""
    if not suite.dry_run:
        return [f"# {suite.title}"]
    return [
        f"# Dry run: {suite.title}",
        "**The bundled demo model stood in for the checkpoint, with other concepts, prompts and "
        "judges. This shows that the suite runs from end to end. Its figures say nothing about "
        "the checkpoint and are no result.**",
    ]


def made_from(measured: Measured, places: Places) -> str:
    """How many pictures of what, and the command."""
    suite = measured.suite
    seeds = ", ".join(map(str, sorted(set(measured.asked["seed"]))))
    form = " --quick" if places.quick else " --dry-run" if places.dry_run else ""
    commits = ", ".join(dict.fromkeys(filter(None, measured.commits.values())))
    figures = "percent, mean ± standard deviation over seeds, made as `benchmarks/README.md` says"
    if suite.curves:
        figures = "shares of all pictures, made as `docs/natural.md` says"
    rows = places.rows.relative_to(places.results)
    return (
        f"{len(measured.pictures):,} pictures, seeds {seeds}; prompts {asked_for(suite)}. Figures "
        f"are {figures}. Rows: `{rows}/`{', drawn by ' if commits else ''}{commits}. "
        f"{unmeasured(measured)}"
        f"Written by `python3 benchmarks/run.py {suite.name}{form}`."
    )


def asked_for(suite: Suite) -> str:
    """The templates, or the file that the prompts come from."""
    if suite.prompt_file is None:
        return ", ".join(f"“{prompt}”" for prompt in suite.prompts)
    own = ", each with its own seed added" if suite.prompt_file.seed else ""
    return f"of `{suite.prompt_file.path.name}`{own}"


def unmeasured(measured: Measured) -> str:
    """Which of the suite's methods have no rows."""
    lacking = [entry for entry in measured.suite.entries if entry.label not in measured.labels]
    if measured.suite.curves:
        return f"{len(lacking)} settings are not measured. " if lacking else ""
    return f"Not measured: {', '.join(map(registry.entry_title, lacking))}. " if lacking else ""
