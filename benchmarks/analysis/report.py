"""A suite's report: lines at equal shares of kept names, and what each setting leaves and keeps."""

from benchmarks.harness import registry
from benchmarks.harness.places import Places
from benchmarks.harness.suite import Suite
from workbench.environment import ROOT

from .curves import curve_parts
from .frames import Measured
from .settings import setting_tables


def report(measured: Measured, places: Places) -> str:
    """The whole Markdown; the plot of a suite with curves is written beside it.

    Raises:
        ValueError: there are no rows of the suite.
    """
    suite = measured.suite
    if not len(measured.pictures):
        raise ValueError(f"{suite.name}: there are no rows; run the suite first.")
    parts = [*heading(suite), suite.about, made_from(measured, places)]
    if suite.curves:
        plot = places.plot("curves")
        if plot.parent == places.report.parent:
            parts.append(f"![Left against kept]({plot.name})")
        parts += curve_parts(measured, plot)
    parts += [*setting_tables(measured), settings_list(measured)]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_report(measured: Measured, places: Places) -> None:
    """Write it to its file, and name that.

    Raises:
        ValueError: there are no rows of the suite.
    """
    text = report(measured, places)
    places.report.parent.mkdir(parents=True, exist_ok=True)
    places.report.write_text(text, encoding="utf-8")
    print(places.report.relative_to(ROOT))


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
    return (
        f"{len(measured.pictures):,} pictures, seeds {seeds}; prompts {asked_for(suite)}. Rows: "
        f"`{places.rows.relative_to(ROOT)}`{', drawn by ' if commits else ''}{commits}. "
        f"{unmeasured(measured)}"
        f"Written by `python3 benchmarks/run.py {suite.name}{form}`; how the figures are made: "
        "`benchmarks/README.md`."
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
    return f"Not measured: {', '.join(map(registry.entry_title, lacking))}. " if lacking else ""


def settings_list(measured: Measured) -> str:
    """Settings of the methods that are in no sweep, where they differ from the methods' own."""
    found = [
        f"- {registry.entry_title(entry)}: "
        + "; ".join(f"{key} {_value(value)}" for key, value in entry.settings.items())
        for entry in measured.suite.methods
        if entry.settings and entry.label in measured.labels
    ]
    return "\n".join(["## Settings", "", *found]) if found else ""


def _value(value: object) -> str:
    """A list without its brackets; blanks in quotes."""
    if isinstance(value, str) and not value.strip():
        return f"“{value}”"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
