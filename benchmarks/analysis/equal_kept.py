"""What two lines leave of the forgotten where each keeps a share at least; how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from benchmarks.harness import registry

from .comparisons import holm, paired_p
from .frames import Frame, Measured
from .lines import Line, Point, seen

RESAMPLED = 2000
"""Draws of names for an interval."""

INTERVAL = (2.5, 97.5)
"""Its ends, in percent of the draws."""


@dataclass(frozen=True)
class Comparison:
    """Another line against ours, where each keeps at least a share.

    Attributes:
        line: the other one.
        difference: how much more of the forgotten it leaves, as a share of the pictures.
        low, high: of the difference in 95 % of the draws of names, forgotten and kept ones.
        p: of the paired Wilcoxon test of the forgotten names, two-sided, after Holm's correction.
    """

    line: Line
    difference: float
    low: float
    high: float
    p: float


def against(
    measured: Measured, ours: Line, others: Sequence[Line], kept: float
) -> list[Comparison]:
    """Every other line against ours. A pair is a name, whose pictures are no pairs of their own: an
    edit hits or misses a name at every seed."""
    judge = registry.judge_of_concepts(measured.suite)
    lines = (ours, *others)
    labels = {label for line in lines for at in line.points for label in at.parts}
    forgotten, stay = (_by_name(measured, judge, labels, one) for one in (True, False))
    more = [_left(forgotten, line.at(kept)) - _left(forgotten, ours.at(kept)) for line in others]
    p = holm(pd.Series([paired_p(each) for each in more]))
    draws, drawn = np.random.default_rng(0), []
    for _ in range(RESAMPLED):
        names = [
            frame.iloc[draws.integers(0, len(frame), len(frame))].mean()
            for frame in (forgotten, stay)
        ]
        own, *left = (_as_drawn(line, *names).at(kept).left for line in lines)
        drawn.append([one - own for one in left])
    ends = np.percentile(drawn, INTERVAL, axis=0).T
    return [
        Comparison(line, float(each.mean()), float(low), float(high), float(one))
        for line, each, (low, high), one in zip(others, more, ends, p, strict=True)
    ]


def _by_name(measured: Measured, judge: str, labels: set[str], forgotten: bool) -> Frame:
    """A row a name, a column a method: the share of its pictures in which it is found."""
    return pd.DataFrame(
        {
            label: seen(measured, judge, label, forgotten).groupby("shows")["after"].mean()
            for label in sorted(labels)
        }
    )


def _left(forgotten: Frame, at: Point) -> Frame:
    """By forgotten name: the share of its pictures in which it is found."""
    return sum(part * forgotten[label] for label, part in at.parts.items())


def _as_drawn(line: Line, forgotten: Frame, kept: Frame) -> Line:
    """The line as some names alone would show it, by label of the method."""
    plain, *settings = line.points
    (base,) = plain.parts
    points = [replace(plain, left=forgotten[base])]
    for at in settings:
        (label,) = at.parts
        share = kept[label] / kept[base] if kept[base] else 0.0  # none of these names is drawn
        points.append(replace(at, left=forgotten[label], kept=share))
    return replace(line, points=tuple(points))
