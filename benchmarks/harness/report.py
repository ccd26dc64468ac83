"""A suite's rows as Markdown: a table a family of groups and judge, tests, what was run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

from . import registry
from .ledger import Row
from .outcomes import Answered, Outcome, Spread, outcomes, over_seeds
from .places import Places
from .plots import PLOTS
from .runner import OVERLAP, PREPARATION, PRUNED
from .significance import Comparison, holm, signed_rank
from .suite import BASE, Entry, Group, Suite


def report(suite: Suite, rows: Sequence[Row], places: Places) -> str:
    """The whole Markdown; its plots are written beside it.

    Raises:
        ValueError: there are no rows of the suite.
    """
    rows = current_rows(suite, rows)
    if not rows:
        raise ValueError(f"{suite.name}: there are no rows; run the suite first.")
    parts = [f"# {suite.title}", suite.about, made_from(suite, rows, places)]
    for name in suite.plots:
        PLOTS[name](suite, rows, places.plot(name))
        parts.append(f"![{name.replace('_', ' ')}]({places.plot(name).name})")
    for judge in suite.judges:
        answered = Answered(rows, judge)
        if registry.judge(judge).aspect != suite.concept:
            kept_only = registry.judge(judge).aspect == "picture"
            where = "kept pictures" if kept_only else "all pictures"
            parts += [f"## {registry.judge(judge).title}, {where}"]
            parts += [other_table(suite, answered, kept_only)]
            continue
        for family, groups in families(suite).items():
            parts += [f"## {family}: {registry.judge(judge).title}"]
            parts += [accuracy_table(suite, answered, groups)]
            if len(groups) > 1:
                parts += [each_table(suite, answered, groups)]
            parts += split_tables(suite, answered, groups)
        tests = test_table(suite, answered)
        if tests:
            parts += [f"## {label_title(suite, suite.reference)} against the others", tests]
    costs = cost_table(suite, rows)
    if costs:
        parts += ["## What it takes", costs]
    return "\n\n".join(part for part in parts if part) + "\n"


def current_rows(suite: Suite, rows: Sequence[Row]) -> list[Row]:
    """Rows of the suite's methods as they are set now."""
    known = {entry.label: entry.settings_hash for entry in suite.entries}
    return [row for row in rows if known.get(row.origin.method) == row.origin.settings]


def families(suite: Suite) -> dict[str, list[Group]]:
    """Groups that are reported together."""
    found: dict[str, list[Group]] = {}
    for group in suite.groups:
        found.setdefault(group.family, []).append(group)
    return found


def made_from(suite: Suite, rows: Sequence[Row], places: Places) -> str:
    """How many pictures of what, and the command."""
    pictures = {(row.origin, row.shot) for row in rows if row.shot.prompt}
    seeds = sorted({row.shot.seed for row in rows if row.shot.prompt})
    quick = " --quick" if places.quick else ""
    return (
        f"{len(pictures):,} pictures, seeds {', '.join(map(str, seeds))}; prompts "
        f"{', '.join(f'“{prompt}”' for prompt in suite.prompts)}. Figures are percent, mean ± "
        "standard deviation over seeds. *Kept share* is accuracy on the kept concepts after, of "
        "that before; the *harmonic mean* is of the kept share and 1 − forgotten accuracy. Rows: "
        f"`{places.rows.name}`. {earlier(suite, rows)}Written by "
        f"`python3 benchmarks/run.py {suite.name}{quick}`."
    )


def earlier(suite: Suite, rows: Sequence[Row]) -> str:
    """Which methods' rows were made with other code or models than there are now."""
    made = {(row.origin.method, row.origin.version) for row in rows}
    changed = [
        entry_title(entry)
        for entry in suite.entries
        if any(
            label == entry.label and version != registry.version(entry) for label, version in made
        )
    ]
    return f"Made with earlier code or models: {', '.join(changed)}. " if changed else ""


def measured(
    suite: Suite, answered: Answered, label: str, groups: Sequence[Group], template: str = ""
) -> list[Outcome]:
    """Outcomes of a method on all groups."""
    return [one for group in groups for one in outcomes(suite, answered, label, group, template)]


def accuracy_table(suite: Suite, answered: Answered, groups: Sequence[Group]) -> str:
    """Every method on a family of groups, the mean over its groups."""
    lines = [
        "| method | accuracy on forgotten | accuracy on kept | kept share | harmonic mean |",
        "| --- | --- | --- | --- | --- |",
    ]
    for entry in suite.entries:
        found = measured(suite, answered, entry.label, groups)
        if found:
            spreads = (
                over_seeds(found, lambda one: one.forgotten),
                over_seeds(found, lambda one: one.kept),
                over_seeds(found, lambda one: one.kept_share),
                over_seeds(found, lambda one: one.harmonic_mean),
            )
            cells = " | ".join(spread.percent() for spread in spreads)
            lines.append(f"| {entry_title(entry)} | {cells} |")
    return "\n".join(lines)


def each_table(suite: Suite, answered: Answered, groups: Sequence[Group]) -> str:
    """The harmonic mean of every method on every group."""
    entries = [entry for entry in suite.entries if entry.label != BASE]
    by_method = {
        entry.label: {group.name: outcomes(suite, answered, entry.label, group) for group in groups}
        for entry in entries
    }
    shown = [entry for entry in entries if any(by_method[entry.label].values())]
    lines = [
        "Harmonic mean, group by group:",
        "",
        f"| group | {' | '.join(entry_title(entry) for entry in shown)} |",
        f"| --- |{' --- |' * len(shown)}",
    ]
    for group in groups:
        cells = []
        for entry in shown:
            found = by_method[entry.label][group.name]
            spread = over_seeds(found, lambda one: one.harmonic_mean) if found else None
            cells.append(spread.percent() if spread else "–")
        lines.append(f"| {group.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def split_tables(suite: Suite, answered: Answered, groups: Sequence[Group]) -> list[str]:
    """Forgotten accuracy and kept share by prompt and by condition, where there are several."""
    found = {
        entry_title(entry): {
            template: measured(suite, answered, entry.label, groups, template)
            for template in suite.prompts
        }
        for entry in suite.entries
    }
    tables = []
    if len(suite.prompts) > 1:
        by_prompt = {
            title: {f"“{template}”": cells for template, cells in by_template.items()}
            for title, by_template in found.items()
        }
        tables.append(split_table("prompt", by_prompt))
    if len(suite.conditions) > 1:
        by_condition = {
            title: {
                condition.name: [
                    one
                    for cells in by_template.values()
                    for one in cells
                    if one.condition == condition.name
                ]
                for condition in suite.conditions
            }
            for title, by_template in found.items()
        }
        tables.append(split_table("condition", by_condition))
    return tables


def split_table(what: str, found: Mapping[str, Mapping[str, Sequence[Outcome]]]) -> str:
    """One column a method, one row a prompt or condition: "forgotten / kept share"."""
    shown = {title: cells for title, cells in found.items() if any(cells.values())}
    lines = [
        f"Accuracy on forgotten / kept share, by {what}:",
        "",
        f"| {what} | {' | '.join(shown)} |",
        f"| --- |{' --- |' * len(shown)}",
    ]
    for name in next(iter(shown.values()), {}):
        cells = []
        for by_name in shown.values():
            here = by_name[name]
            gone = over_seeds(here, lambda one: one.forgotten) if here else None
            kept = over_seeds(here, lambda one: one.kept_share) if here else None
            cells.append(f"{gone.percent()} / {kept.percent()}" if gone and kept else "–")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def test_table(suite: Suite, answered: Answered) -> str:
    """The reference against every other method: harmonic means paired by group, condition, seed."""
    tests = comparisons(suite, answered)
    if not tests:
        return ""
    lines = [
        "Paired Wilcoxon signed-rank test, two-sided, of the harmonic means; a pair is one group "
        "at one seed. Holm's correction is over the methods of the table.",
        "",
        "| method | difference | pairs (differing) | p | p, Holm | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for label, test in tests.items():
        lines.append(
            f"| {label_title(suite, label)} | {100 * test.difference:+.1f} | {test.pairs} "
            f"({test.differing}) | {test.p:.2g} | {test.p_holm:.2g} | {verdict(test)} |"
        )
    return "\n".join(lines)


def verdict(test: Comparison) -> str:
    """Who is ahead, if the test tells."""
    if test.p_holm >= 0.05:
        return "no difference shown"
    return "ahead" if test.difference > 0 else "behind"


def comparisons(suite: Suite, answered: Answered) -> dict[str, Comparison]:
    """By label, in the suite's order."""
    mine = _by_pair(measured(suite, answered, suite.reference, suite.groups))
    tests: dict[str, Comparison] = {}
    for entry in suite.entries:
        if entry.label in (BASE, suite.reference):
            continue
        its = _by_pair(measured(suite, answered, entry.label, suite.groups))
        shared = [pair for pair in mine if pair in its]
        if shared:
            tests[entry.label] = signed_rank(
                [mine[pair] for pair in shared], [its[pair] for pair in shared]
            )
    corrected = holm({label: test.p for label, test in tests.items()})
    return {label: replace(test, p_holm=corrected[label]) for label, test in tests.items()}


def other_table(suite: Suite, answered: Answered, kept_only: bool) -> str:
    """A judge of something else than the concepts: before and after.

    Args:
        suite, answered: what was asked and answered.
        kept_only: leave out pictures of what was forgotten.
    """
    lines = ["| method | before | after |", "| --- | --- | --- |"]
    for entry in suite.entries:
        pairs = [
            pair
            for group in suite.groups
            for pair in answered.pairs(entry.label, group.name)
            if not kept_only or pair[0].shows(suite.concept) in group.kept
        ]
        if pairs:
            seeds = sorted({shot.seed for shot, *_ in pairs})
            before = Spread(
                tuple(fmean(b for shot, b, _ in pairs if shot.seed == s) for s in seeds)
            )
            after = Spread(tuple(fmean(a for shot, _, a in pairs if shot.seed == s) for s in seeds))
            lines.append(f"| {entry_title(entry)} | {before.percent()} | {after.percent()} |")
    return "\n".join(lines)


def cost_table(suite: Suite, rows: Sequence[Row]) -> str:
    """Time before the first picture, share of the weights that is pruned, time of a picture; means
    over a family of groups."""
    lines = [
        "Seconds on the machine that ran the suite; a cached profile takes none. "
        "*Overlap* is the Jaccard index of the mask with that of "
        f"{label_title(suite, suite.reference)}.",
        "",
        "| method | group | preparation, s | pruned, % of the layers | overlap | a picture, s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for entry in suite.entries:
        for family, groups in families(suite).items() if entry.label != BASE else ():
            names = {group.name for group in groups}
            own = [
                row
                for row in rows
                if row.origin.method == entry.label and row.origin.group in names
            ]
            times, pruned, overlap = (
                [row.value for row in own if row.judge == what]
                for what in (PREPARATION, PRUNED, OVERLAP)
            )
            pictures = [row.seconds for row in own if row.shot.prompt]
            if times and pictures:
                share = f"{100 * fmean(pruned):.2f}" if pruned else "–"
                shared = f"{fmean(overlap):.2f}" if overlap else "–"
                cells = (f"{fmean(times):.1f}", share, shared, f"{fmean(pictures):.2f}")
                lines.append(f"| {entry_title(entry)} | {family} | {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 6 else ""


def entry_title(entry: Entry) -> str:
    """The method's title; the label where the suite has given one."""
    return registry.method(entry.use).title if entry.label == entry.use else entry.label


def label_title(suite: Suite, label: str) -> str:
    """The same by label."""
    return entry_title(next(entry for entry in suite.entries if entry.label == label))


def _by_pair(found: Sequence[Outcome]) -> dict[tuple[str, str, int], float]:
    return {(one.group, one.condition, one.seed): one.harmonic_mean for one in found}
