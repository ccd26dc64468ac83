"""A suite's rows as frames: what was drawn, and every picture before and after forgetting."""

from functools import cache, cached_property
from typing import Any

import pandas as pd

from benchmarks.harness.rows import FIGURES, Rows
from benchmarks.harness.shots import group_shots
from benchmarks.harness.suite import BASE, Suite

Frame = Any
"""A pandas ``DataFrame``: what its columns and rows give back, type checkers cannot tell."""

ASKED = ["group", "condition", "seed", "shot", "shows", "forgotten"]


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
                    **one.values,
                }
                for one in own
            ]
        )
        """A row a picture: method, group, shot, what it shows, a column a judge."""
        self.runs: Frame = pd.DataFrame(
            [
                {"method": run.method, "group": run.group, **rows.figures[run]}
                for run in self.commits
                if run.group
            ],
            columns=["method", "group", *FIGURES],
        )
        """A row a method and group: what was measured before its first picture."""
        self.pairs = cache(self._pairs)

    def read_by(self, judge: str) -> "Measured":
        """The same rows with this judge of the suite as its first, which lines go by."""
        judges = (judge, *(name for name in self.suite.judges if name != judge))
        return Measured(self.suite.model_copy(update={"judges": judges}), self._rows)

    @cached_property
    def labels(self) -> list[str]:
        """Methods with pictures, in the suite's order."""
        drawn = set(self.pictures["method"])
        return [entry.label for entry in self.suite.entries if entry.label in drawn]

    @cached_property
    def asked(self) -> Frame:
        """Each drawn shot that the suite still asks for: group, condition, suite's seed, shot, what
        it shows, and whether that was forgotten."""
        suite = self.suite
        lines = [
            (group.name, condition.name, seed, self.shots[shot], shows, shows in group.concepts)
            for group in suite.groups
            for condition in suite.conditions
            for seed in suite.seeds
            for shot in group_shots(suite, group, condition, seed)
            if shot in self.shots
            for shows in [shot.shows(suite.concept)]
        ]
        return pd.DataFrame(lines, columns=ASKED)

    def _pairs(self, judge: str) -> Frame:
        """Every asked shot of every method with a judge's value ``before`` and ``after``."""
        if judge not in self.pictures:
            return pd.DataFrame(columns=["method", *ASKED, "before", "after"])
        seen = self.pictures[["method", "group", "shot", judge]].dropna()
        seen = seen.rename(columns={judge: "after"})
        is_base = seen["method"] == BASE
        base = seen[is_base].set_index("shot")["after"].rename("before")
        asked = self.asked.join(base, on="shot", how="inner")
        plain = asked.assign(method=BASE, after=asked["before"])
        return pd.concat([plain, asked.merge(seen[~is_base], on=["group", "shot"])])
