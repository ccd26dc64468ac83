"""What two lines leave of the forgotten where each keeps a share at least; how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.harness import registry

from .frames import Frame, Measured
from .lines import TARGETS, Line, seen

RESAMPLED = 10_000
"""Draws of names."""

INTERVAL = (2.5, 97.5)
"""Ends of the 95 % interval, in percent of the draws."""


@dataclass(frozen=True)
class Comparison:
    """Another line against ours, where each keeps at least a share.

    Attributes:
        line: the other one.
        difference: how much more of the forgotten it leaves, as a share of the pictures.
        low, high: of the difference in 95 % of the draws of names, forgotten and kept ones.
        p: of the same draws, two-sided, after Holm's correction over the lines at this share.
    """

    line: Line
    difference: float
    low: float
    high: float
    p: float


def against(
    measured: Measured, ours: Line, others: Sequence[Line], shares: Sequence[float] = TARGETS
) -> list[list[Comparison]]:
    """Every other line against ours, at each kept share; all have two settings or more.

    Names are drawn, not pictures: an edit hits or misses a name at every seed. Kept names are drawn
    as well, since what is kept says where on its dial a line is read.
    """
    lines = (ours, *others)
    draws = np.random.default_rng(0)
    forgotten, stay = (
        _means_of_draws(_by_name(measured, lines, forgotten), draws) for forgotten in (True, False)
    )
    found = []
    for kept in shares:
        own, *left = (_left(line, forgotten, stay, kept) for line in lines)
        more = np.array([each - own for each in left])
        ends = np.percentile(more, INTERVAL, axis=1)
        p = holm(pd.Series(two_sided_p(more)))
        of_ours = ours.at(kept).left
        found.append(
            [
                Comparison(line, line.at(kept).left - of_ours, float(low), float(high), float(each))
                for line, low, high, each in zip(others, *ends, p, strict=True)
            ]
        )
    return found


def two_sided_p(more: np.ndarray) -> np.ndarray:
    """p (lines,) of differences (lines, draws): twice the smaller share of draws at or below 0, or
    at or above it. It is never 0, since the draws are few."""
    sides = [(more <= 0).sum(1), (more >= 0).sum(1)]
    return np.minimum(1.0, 2 * (np.minimum(*sides) + 1) / (more.shape[1] + 1))


def holm(p: Frame) -> Frame:
    """Holm's step-down correction: each p times the number of hypotheses not yet rejected."""
    ordered = p.sort_values(kind="stable")
    return (ordered * np.arange(len(p), 0, -1)).clip(upper=1).cummax()[p.index]


def _by_name(measured: Measured, lines: Sequence[Line], forgotten: bool) -> Frame:
    """A row a name, a column a method: the share of its pictures in which it is found."""
    judge = registry.judge_of_concepts(measured.suite)
    labels = {label for line in lines for at in line.points for label in at.parts}
    return pd.DataFrame(
        {
            label: seen(measured, judge, label, forgotten).groupby("shows")["after"].mean()
            for label in sorted(labels)
        }
    )


def _means_of_draws(by_name: Frame, draws: np.random.Generator) -> Frame:
    """A row a draw of as many names, with repeats: their means, a column a method."""
    count = len(by_name)
    times = draws.multinomial(count, np.full(count, 1 / count), RESAMPLED)
    return pd.DataFrame(times @ by_name.to_numpy() / count, columns=by_name.columns)


def _left(line: Line, forgotten: Frame, kept: Frame, share: float) -> np.ndarray:
    """``line.at(share).left`` as each draw of names alone would show it: (draws,)."""
    labels = [label for point in line.points for label in point.parts]
    left, found = forgotten[labels].to_numpy(), kept[labels].to_numpy()
    plain = found[:, :1]  # 0 where none of the drawn names is one that the plain model draws
    above = np.divide(found, plain, out=np.zeros_like(found), where=plain > 0).round(6) - share
    above[:, 0] = 1 - share
    crosses = above[:, :-1] * above[:, 1:] < 0
    steps = np.where(crosses, above[:, :-1] - above[:, 1:], 1)
    between = left[:, :-1] + above[:, :-1] / steps * np.diff(left, axis=1)
    values = [np.where(above >= 0, left, np.inf), np.where(crosses, between, np.inf)]
    return np.concatenate(values, axis=1).min(axis=1)
