"""A suite's rows as frames: every picture before and after forgetting, and shares over them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import nan
from statistics import fmean, stdev
from typing import Any

import pandas as pd

from benchmarks.harness import registry
from benchmarks.harness.rows import FIGURES, Rows
from benchmarks.harness.shots import group_shots
from benchmarks.harness.suite import BASE, Group, Suite

Frame = Any
"""A pandas ``DataFrame``: what its columns and rows give back, type checkers cannot tell."""

PAIR = ["group", "condition", "seed"]
"""Columns that values of two methods share where they are compared."""


@dataclass(frozen=True)
class Spread:
    """Mean and deviation over seeds; none, where a value is known of no seed."""

    by_seed: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.by_seed) if self.by_seed else nan

    @property
    def std(self) -> float:
        """Sample standard deviation; 0 for a single seed."""
        return stdev(self.by_seed) if len(self.by_seed) > 1 else 0.0

    def percent(self) -> str:
        """``"97.9 ± 2.9"``, or a dash."""
        return f"{100 * self.mean:.1f} ± {100 * self.std:.1f}" if self.by_seed else "–"


def over_seeds(frame: Frame, column: str) -> Spread:
    """The mean of a column at each seed; values that are NaN are left out."""
    by_seed: dict[int, list[float]] = defaultdict(list)
    for seed, value in zip(frame["seed"], frame[column], strict=True):
        if value == value:
            by_seed[seed].append(value)
    return Spread(tuple(fmean(by_seed[seed]) for seed in sorted(by_seed)))


class Measured:
    """A suite's rows; each frame is made once.

    Args:
        suite: whose methods, groups and prompts count as they are set now.
        rows: as they were kept; those of other settings are left out.

    Attributes:
        commits: by run: what drew it.
    """

    def __init__(self, suite: Suite, rows: Rows) -> None:
        self.suite = suite
        self._rows = rows
        known = {entry.label: suite.settings_hash(entry) for entry in suite.entries}
        self.commits = {
            run: commit
            for run, commit in rows.commits.items()
            if known.get(run.method) == run.settings
        }
        own = [one for one in rows.pictures.values() if one.run in self.commits]
        self.shots = {shot: n for n, shot in enumerate(dict.fromkeys(one.shot for one in own))}
        """The number of each shot that was drawn."""
        self.pictures: Frame = pd.DataFrame(
            [
                {
                    "method": one.run.method,
                    "group": one.run.group,
                    "shot": self.shots[one.shot],
                    "shows": one.shot.shows(suite.concept),
                    "seconds": one.seconds,
                    **one.values,
                }
                for one in own
            ]
        )
        """A row a picture: method, group, shot, what it shows, seconds, a column a judge."""
        self.runs: Frame = pd.DataFrame(
            [
                {"method": run.method, "group": run.group, "concepts": len(run.concepts)}
                | rows.figures[run]
                for run in self.commits
                if run.group
            ],
            columns=["method", "group", "concepts", *FIGURES],
        )
        """A row a method and group: what was measured before its first picture."""
        self.outcomes = cache(self._outcomes)
        self.pairs = cache(self._pairs)
        self.moved = cache(self._moved)

    def read_by(self, judge: str) -> "Measured":
        """The same rows with this judge of the suite as its first, which curves go by."""
        judges = (judge, *(name for name in self.suite.judges if name != judge))
        return Measured(self.suite.model_copy(update={"judges": judges}), self._rows)

    @cached_property
    def labels(self) -> list[str]:
        """Methods with pictures, in the suite's order."""
        drawn = set(self.pictures["method"])
        return [entry.label for entry in self.suite.entries if entry.label in drawn]

    @cached_property
    def asked(self) -> Frame:
        """Each drawn shot that the suite still asks for: group, condition, suite's seed, template,
        shot, what it shows, and whether that was forgotten."""
        suite = self.suite
        lines = [
            (group.name, condition.name, seed, template, self.shots[shot], shows, forgotten)
            for group in suite.groups
            for condition in suite.conditions
            for seed in suite.seeds
            for template in suite.prompts or ("",)
            for shot in group_shots(suite, group, condition, seed, template)
            if shot in self.shots
            for shows in [shot.shows(suite.concept)]
            for forgotten in [shows in group.concepts]
        ]
        return pd.DataFrame(lines, columns=[*PAIR, "template", "shot", "shows", "forgotten"])

    def _pairs(self, judge: str, by_template: bool = False) -> Frame:
        """Every asked shot of every method with a judge's value ``before`` and ``after``."""
        if judge not in self.pictures:
            return pd.DataFrame(
                columns=["method", *PAIR, "shot", "shows", "forgotten", "before", "after"]
            )
        asked = self.asked
        if not by_template:
            asked = asked.drop_duplicates([*PAIR, "shot"]).drop(columns="template")
        seen = self.pictures[["method", "group", "shot", judge]].dropna()
        seen = seen.rename(columns={judge: "after"})
        is_base = seen["method"] == BASE
        base = seen[is_base].set_index("shot")["after"].rename("before")
        asked = asked.join(base, on="shot", how="inner")
        plain = asked.assign(method=BASE, after=asked["before"])
        return pd.concat([plain, asked.merge(seen[~is_base], on=["group", "shot"])])

    def _outcomes(self, judge: str, by_template: bool = False) -> Frame:
        """Shares of right answers for each method, group, condition and seed that holds both a
        forgotten and a kept concept.

        Columns ``forgotten_before``, ``forgotten``, ``kept_before``, ``kept`` and the numbers of
        pictures; ``kept_share``, above 1 where more is found than before and NaN where nothing was;
        ``harmonic_mean`` of 1 − forgotten and the kept share, which counts as at most 1.
        """
        keys = ["method", *PAIR, *(["template"] if by_template else [])]
        pairs = self.pairs(judge, by_template)
        parts = []
        for name, forgotten in (("forgotten", True), ("kept", False)):
            part = pairs[pairs["forgotten"] == forgotten].groupby(keys)
            named = {
                f"{name}_before": ("before", "mean"),
                name: ("after", "mean"),
                f"{name}_pictures": ("after", "size"),
            }
            parts.append(part.agg(**named))
        found = parts[0].join(parts[1], how="inner").reset_index()
        found["kept_share"] = found["kept"] / found["kept_before"].where(found["kept_before"] > 0)
        gone, stayed = 1 - found["forgotten"], found["kept_share"].clip(upper=1)
        total = gone + stayed
        found["harmonic_mean"] = (2 * gone * stayed / total).mask(total == 0, 0.0)
        return found

    def _moved(self) -> Frame:
        """How far kept pictures are from the base model's: the mean for each method, group,
        condition and seed, in column ``moved``; empty without a judge that compares."""
        judge = registry.judge_of_changes(self.suite)
        pairs = self.pairs(judge or "")
        kept = pairs[pairs["forgotten"] == False]  # noqa: E712
        return kept.groupby(["method", *PAIR]).agg(moved=("after", fmean)).reset_index()

    @property
    def accuracy(self) -> Frame:
        """Outcomes by the first judge of the concepts."""
        return self.outcomes(registry.judge_of_concepts(self.suite))


def of(frame: Frame, label: str, groups: Sequence[Group]) -> Frame:
    """Those of a frame's rows that are of one method and of these groups."""
    names = [group.name for group in groups]
    return frame[(frame["method"] == label) & frame["group"].isin(names)]


def by_pair(frame: Frame, column: str) -> Frame:
    """A column as a table: a row a pair, a column a method; NaN where one lacks it."""
    return frame.pivot(index=PAIR, columns="method", values=column)
