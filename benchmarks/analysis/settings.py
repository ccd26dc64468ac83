"""What every setting leaves and keeps: a table for each family of groups and condition; of suites
with curves, which read all groups together, one."""

from collections.abc import Collection, Iterator
from math import nan
from statistics import NormalDist
from typing import Any

from benchmarks.harness import registry
from benchmarks.harness.rows import PREPARATION, PRUNED
from benchmarks.harness.suite import BASE, Entry

from .frames import Frame, Measured
from .tables import percent, table

WILSON = NormalDist().inv_cdf(0.975) ** 2
"""z² of a two-sided interval of 95 %."""


def setting_tables(measured: Measured) -> Iterator[str]:
    """Headings, sentences and tables."""
    suite = measured.suite
    families = {"every setting": suite.groups} if suite.curves else suite.families
    for family, groups in families.items():
        names = {group.name for group in groups}
        for condition in suite.conditions:
            rows = [
                [registry.entry_title(entry), *_cells(measured, entry, names, condition.name)]
                for entry in suite.entries
                if entry.label in measured.labels
                and any(entry.is_measured_on(group.family) for group in groups)
            ]
            yield ", ".join(filter(None, [f"## {family[:1].upper()}{family[1:]}", condition.name]))
            yield table(_head(measured), rows, _counted(measured, names, condition.name))


def harmonic_mean(forgotten: float, kept: float, before: float) -> float:
    """Of 1 − forgotten and of kept as a share of ``before``, at most 1; NaN where nothing could be
    forgotten or kept."""
    if not before > 0:
        return nan
    gone, stayed = 1 - forgotten, min(kept / before, 1.0)
    return 0.0 if gone == stayed == 0 else 2 * gone * stayed / (gone + stayed)


def margin(pictures: int) -> float:
    """How far, in percent, the true share may be from 0 or 100 % of this many pictures: Wilson's
    interval of 95 %, which takes them for independent."""
    return 100 * WILSON / (pictures + WILSON)


def _head(measured: Measured) -> list[str]:
    titles = {name: registry.judge(name).title for name in measured.suite.judges}
    means = [
        f"harmonic mean, {titles[name]}" for name in registry.judges_of_concepts(measured.suite)
    ]
    return ["method", *titles.values(), *means, "preparation, s", "pruned, % of the layers"]


def _cells(measured: Measured, entry: Entry, groups: Collection[str], condition: str) -> list[str]:
    """Of each judge what it finds, then harmonic means and costs."""
    suite = measured.suite
    seen = {name: _seen(measured, name, entry.label, groups, condition) for name in suite.judges}
    shares = {name: [_mean(part, "after") for part in parts] for name, parts in seen.items()}
    means = [
        harmonic_mean(shares[name][0], shares[name][1], _mean(seen[name][1], "before"))
        for name in registry.judges_of_concepts(suite)
    ]
    runs = measured.runs[measured.runs["method"] == entry.label]
    runs = runs[runs["group"].isin(groups)]
    cached = entry.label != BASE and registry.uses_cache(entry)
    costs = ["cached" if cached else _figure(runs[PREPARATION]), _figure(100 * runs[PRUNED])]
    return [
        *(" · ".join(map(_percent, shares[name])) for name in seen),
        *map(_percent, means),
        *costs,
    ]


def _seen(
    measured: Measured, judge: str, label: str, groups: Collection[str], condition: str
) -> tuple[Frame, Frame]:
    """A judge's values of a method: of what was forgotten, and of what should stay."""
    pairs = measured.pairs(judge)
    own = pairs[(pairs["method"] == label) & (pairs["condition"] == condition)]
    own = own[own["group"].isin(groups)]
    forgotten = own["forgotten"].astype(bool)
    return own[forgotten], own[~forgotten]


def _counted(measured: Measured, groups: Collection[str], condition: str) -> str:
    """How many pictures a figure rests on."""
    parts = _seen(measured, measured.suite.judges[0], BASE, groups, condition)
    counts = [f"{len(part):,} (± {margin(len(part)):.0f})" for part in parts if len(part)]
    return (
        f"What each judge says of pictures of the forgotten · of the kept, in percent; "
        f"{' and '.join(counts)} a setting."
    )


def _mean(part: Frame, column: str) -> float:
    return float(part[column].mean()) if len(part) else nan


def _percent(share: float) -> str:
    return percent(share, 1).removesuffix(" %")


def _figure(values: Any) -> str:
    """Their mean with two digits after the point, or a dash."""
    found = values.dropna()
    return f"{found.mean():.2f}" if len(found) else "–"
