"""What a suite should show of its reference, set beside what it did show."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter
from statistics import fmean

from . import registry
from .comparisons import by_verdict, comparisons, hardest
from .ledger import Row
from .outcomes import Answered, Spread, mean_by_seed, outcomes_of, over_seeds
from .runner import PREPARATION
from .suite import SHOWN, TIME, TRAINING_FREE, Goal, Group, Suite

WORDS = {
    "forgotten": "accuracy on what was forgotten",
    "kept_share": "kept share",
    "harmonic_mean": "harmonic mean",
    SHOWN: "pictures that still show what else was asked for",
    TIME: "preparation for each concept",
}

Line = tuple[str, str, str]
"""A goal in words, the figure, and whether it is met."""


def goal_lines(suite: Suite, rows: Sequence[Row]) -> list[Line]:
    """One for every goal that the rows say anything of."""
    measures = (_measure(suite, rows, goal) for goal in suite.goals)
    return [line for line in measures if line]


def goal_table(suite: Suite, rows: Sequence[Row]) -> str:
    """The same as Markdown; empty without any."""
    lines = [f"| {' | '.join(line)} |" for line in goal_lines(suite, rows)]
    return "\n".join(["| goal | figure | |", "| --- | --- | --- |", *lines]) if lines else ""


def _measure(suite: Suite, rows: Sequence[Row], goal: Goal) -> Line | None:
    if goal.groups:
        chosen = [group for group in suite.groups if group.family in goal.groups]
        suite = replace(suite, groups=tuple(chosen))
    if goal.ahead_of:
        return _ahead(suite, rows, goal)
    return _falling(suite, rows) if goal.figure == TIME else _within(suite, rows, goal)


def _within(suite: Suite, rows: Sequence[Row], goal: Goal) -> Line | None:
    """Of the family of groups, and the condition, that is furthest from the goal."""
    spreads = dict(_shown(suite, rows) if goal.figure == SHOWN else _shares(suite, rows, goal))
    if not spreads:
        return None
    if goal.most is not None:
        where, spread = max(spreads.items(), key=lambda item: item[1].mean)
        words, met = f"at most {goal.most:g} %", 100 * spread.mean <= goal.most
    else:
        least = goal.least or 0.0
        where, spread = min(spreads.items(), key=lambda item: item[1].mean)
        words, met = f"at least {least:g} %", 100 * spread.mean >= least
    place = f" ({where})" if len(spreads) > 1 else ""
    return f"{WORDS[goal.figure]} {words}", spread.percent() + place, "met" if met else "missed"


def _shares(suite: Suite, rows: Sequence[Row], goal: Goal) -> Iterator[tuple[str, Spread]]:
    answered = Answered(rows, registry.judge_of_concepts(suite))
    for family, groups in suite.families.items():
        found = outcomes_of(suite, answered, suite.reference, groups)
        for condition in dict.fromkeys(one.condition for one in found):
            here = [one for one in found if one.condition == condition]
            name = f"{family}, {condition}" if condition else family
            yield name, over_seeds(here, attrgetter(goal.figure))


def _shown(suite: Suite, rows: Sequence[Row]) -> Iterator[tuple[str, Spread]]:
    """What the judge of something else than the concepts finds, as a share of what it found."""
    judge = registry.judge_of_the_rest(suite)
    answered = Answered(rows, judge) if judge else Answered((), "")
    for family, groups in suite.families.items():
        spread = _share_of_before(answered, suite.reference, groups)
        if spread.by_seed:
            yield family, spread


def _share_of_before(answered: Answered, label: str, groups: Sequence[Group]) -> Spread:
    by_seed: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for group in groups:
        for shot, before, after in answered.pairs(label, group.name):
            by_seed[shot.seed].append((before, after))
    return mean_by_seed(
        (seed, fmean(after for _, after in pairs) / fmean(before for before, _ in pairs))
        for seed, pairs in by_seed.items()
        if any(before for before, _ in pairs)
    )


def _ahead(suite: Suite, rows: Sequence[Row], goal: Goal) -> Line | None:
    tests = comparisons(suite, Answered(rows, registry.judge_of_concepts(suite)))
    if goal.ahead_of == TRAINING_FREE:
        named, words = hardest(suite, tests, "peer"), "every training-free peer"
    else:
        named = {registry.title(suite, goal.ahead_of): tests.get(goal.ahead_of)}
        words = next(iter(named))
    found = {title: test for title, test in named.items() if test}
    if not found:
        return None
    verdicts = by_verdict(found)
    met = "met" if set(verdicts) == {"ahead"} else "met in part" if "ahead" in verdicts else ""
    said = "; ".join(f"{word}: {', '.join(titles)}" for word, titles in verdicts.items())
    return f"{WORDS[goal.figure]} above that of {words}, p < 0.05", said, met or "missed"


def _falling(suite: Suite, rows: Sequence[Row]) -> Line | None:
    """Over groups of more and more concepts."""
    seconds = {
        len(row.origin.concepts): row.value / len(row.origin.concepts)
        for row in rows
        if row.judge == PREPARATION and row.origin.method == suite.reference
    }
    if len(seconds) < 2:
        return None
    times = [seconds[count] for count in sorted(seconds)]
    met = all(earlier > later for earlier, later in pairwise(times))
    figure = ", ".join(f"{time:.1f}" for time in times)
    counts = ", ".join(map(str, sorted(seconds)))
    return f"{WORDS[TIME]} falls", f"{figure} s with {counts}", "met" if met else "missed"
