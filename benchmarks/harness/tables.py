"""A suite's rows as Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from statistics import NormalDist, fmean
from typing import Any

from . import registry
from .ledger import Row
from .outcomes import (
    Answered,
    Outcome,
    asked_pairs,
    before_and_after,
    outcomes,
    outcomes_of,
    over_seeds,
)
from .runner import OVERLAP, PREPARATION, PRUNED
from .suite import BASE, Entry, Group, Settings, Suite

LISTED = 6
"""So many of a setting's values are listed."""

WILSON = NormalDist().inv_cdf(0.975) ** 2
"""z² of a two-sided interval of 95 %."""


def accuracy_table(suite: Suite, answered: Answered, groups: Sequence[Group]) -> str:
    """Every method on a family of groups, the mean over its groups."""
    lines = [
        "| method | accuracy on forgotten | accuracy on kept | kept share | harmonic mean "
        "| pictures (margin) |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for entry in suite.entries:
        found = outcomes_of(suite, answered, entry.label, groups)
        if found:
            cells = [
                over_seeds(found, attrgetter(figure)).percent()
                for figure in ("forgotten", "kept", "kept_share", "harmonic_mean")
            ]
            pictures = (
                sum(one.forgotten_pictures for one in found),
                sum(one.kept_pictures for one in found),
            )
            cells.append(" + ".join(f"{count:,} ({margin(count):.0f})" for count in pictures))
            lines.append(f"| {registry.entry_title(entry)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def margin(pictures: int) -> float:
    """How far, in percent, the true share may be from 0 or 100 % of so many pictures: Wilson's
    interval of 95 %, which takes them for independent."""
    return 100 * WILSON / (pictures + WILSON)


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
        f"| group | {' | '.join(registry.entry_title(entry) for entry in shown)} |",
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
        registry.entry_title(entry): {
            template: outcomes_of(suite, answered, entry.label, groups, template)
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


def other_table(suite: Suite, answered: Answered, groups: Sequence[Group]) -> str:
    """A judge of something else than the concepts, on a family of groups: before and after, on
    what was forgotten and on what was kept."""
    lines = [
        "| method | forgotten: before | after | kept: before | after |",
        "| --- | --- | --- | --- | --- |",
    ]
    for entry in suite.entries:
        pairs = list(asked_pairs(suite, answered, entry.label, groups))
        cells = [
            spread.percent()
            for forgotten in (True, False)
            for spread in before_and_after(one for one in pairs if one.forgotten == forgotten)
        ]
        if pairs:
            lines.append(f"| {registry.entry_title(entry)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cost_table(suite: Suite, rows: Sequence[Row]) -> str:
    """Time before the first picture, share of the weights that is pruned, time of a picture; means
    over a family of groups."""
    lines = [
        "Seconds on the machine that ran the suite; *cached*: profiles may come from the cache, so "
        "that a time would say nothing. *Overlap* is the Jaccard index of the mask with that of "
        f"{registry.title(suite, suite.reference)}.",
        "",
        "| method | group | preparation, s | for each concept, s | pruned, % of the layers "
        "| overlap | a picture, s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for entry in suite.entries:
        for family, groups in suite.families.items() if entry.label != BASE else ():
            names = {group.name for group in groups}
            own = [
                row
                for row in rows
                if row.origin.method == entry.label and row.origin.group in names
            ]
            pictures = [row.seconds for row in own if row.shot.prompt]
            if pictures:
                cells = (
                    registry.entry_title(entry),
                    family,
                    *_preparation(entry, own),
                    _mean(100 * row.value for row in own if row.judge == PRUNED),
                    _mean(row.value for row in own if row.judge == OVERLAP),
                    _mean(pictures),
                )
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, *_mean_overlap(suite, rows)]) if len(lines) > 4 else ""


def _preparation(entry: Entry, rows: Sequence[Row]) -> tuple[str, str]:
    """Seconds, and seconds for each concept."""
    if registry.uses_cache(entry):
        return "cached", "–"
    found = [(row.value, len(row.origin.concepts)) for row in rows if row.judge == PREPARATION]
    return _mean(time for time, _ in found), _mean(time / count for time, count in found)


def _mean(values: Iterable[float]) -> str:
    """With two digits behind the point, or a dash."""
    found = list(values)
    return f"{fmean(found):.2f}" if found else "–"


def settings_list(suite: Suite, rows: Sequence[Row]) -> str:
    """What the suite sets otherwise than its methods do by themselves; empty where that is none."""
    measured = {row.origin.method for row in rows}
    lines = [
        f"- {registry.entry_title(entry)}: {_settings(entry.settings)}"
        for entry in suite.entries
        if entry.settings and entry.label in measured
    ]
    return "\n".join(lines)


def _settings(settings: Settings) -> str:
    return "; ".join(f"{key} {_value(value)}" for key, value in settings.items())


def _value(value: Any) -> str:
    """A long list by its beginning and its length."""
    if not isinstance(value, list):
        return str(value)
    end = f" … ({len(value)})" if len(value) > LISTED else ""
    return ", ".join(map(str, value[:LISTED])) + end


def _mean_overlap(suite: Suite, rows: Sequence[Row]) -> list[str]:
    """Over other settings of the reference's method, where there are several."""
    method = suite.entry(suite.reference).use
    alike = {entry.label for entry in suite.entries if entry.use == method}
    overlaps = [row.value for row in rows if row.judge == OVERLAP and row.origin.method in alike]
    if len(overlaps) < 2:
        return []
    least, most = min(overlaps), max(overlaps)
    title = registry.method(method).title
    return ["", f"Mean overlap, {title}: {fmean(overlaps):.2f} ({least:.2f} to {most:.2f})."]
