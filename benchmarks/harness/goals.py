"""What a suite should show of its reference, set beside what it did show."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from statistics import fmean

from . import registry
from .comparisons import by_verdict, comparisons, hardest
from .ledger import Row
from .measures import accuracy
from .outcomes import (
    Answered,
    Pair,
    Spread,
    asked_pairs,
    before_and_after,
    outcomes_of,
    over_seeds,
)
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
    if goal.ahead_of:
        return _ahead(suite, rows, goal)
    return _falling(suite, rows, goal) if goal.figure == TIME else _within(suite, rows, goal)


def _families(suite: Suite, goal: Goal) -> dict[str, list[Group]]:
    """Those that count."""
    return {
        family: groups
        for family, groups in suite.families.items()
        if not goal.groups or family in goal.groups
    }


def _within(suite: Suite, rows: Sequence[Row], goal: Goal) -> Line | None:
    """Of the family of groups, and the condition, that is furthest from the goal."""
    measured = _shown(suite, rows, goal) if goal.figure == SHOWN else _shares(suite, rows, goal)
    spreads = {where: spread for where, spread in measured if spread.by_seed}
    if not spreads:
        return None
    if goal.most is not None:
        where, spread = max(spreads.items(), key=lambda item: item[1].mean)
        words, met = f"at most {goal.most:g} %", 100 * spread.mean <= goal.most
    else:
        where, spread = min(spreads.items(), key=lambda item: item[1].mean)
        words, met = f"at least {goal.least:g} %", 100 * spread.mean >= (goal.least or 0)
    place = f" ({where})" if len(spreads) > 1 else ""
    return f"{WORDS[goal.figure]} {words}", spread.percent() + place, "met" if met else "missed"


def _shares(suite: Suite, rows: Sequence[Row], goal: Goal) -> Iterator[tuple[str, Spread]]:
    answered = accuracy(suite, rows)
    for family, groups in _families(suite, goal).items():
        found = outcomes_of(suite, answered, suite.reference, groups)
        for condition in dict.fromkeys(one.condition for one in found):
            here = [one for one in found if one.condition == condition]
            name = f"{family}, {condition}" if condition else family
            yield name, over_seeds(here, attrgetter(goal.figure))


def _shown(suite: Suite, rows: Sequence[Row], goal: Goal) -> Iterator[tuple[str, Spread]]:
    """What the judge of something else than the concepts finds, as a share of what it found."""
    judge = registry.judge_of_the_rest(suite)
    answered = Answered(rows, judge) if judge else Answered((), "")
    for family, groups in _families(suite, goal).items():
        parts: dict[str, list[Pair]] = defaultdict(list)
        for pair in asked_pairs(suite, answered, suite.reference, groups):
            part = "forgotten" if pair.forgotten else "kept"
            parts[", ".join(filter(None, (family, pair.condition, part)))].append(pair)
        for where, pairs in parts.items():
            means = zip(*(spread.by_seed for spread in before_and_after(pairs)), strict=True)
            yield where, Spread(tuple(after / before for before, after in means if before))


def _ahead(suite: Suite, rows: Sequence[Row], goal: Goal) -> Line | None:
    groups = [group for family in _families(suite, goal).values() for group in family]
    tests = comparisons(suite, accuracy(suite, rows), groups)
    if goal.ahead_of == TRAINING_FREE:
        found, words = hardest(suite, tests, "peer"), "every training-free peer"
    else:
        words = registry.title(suite, goal.ahead_of)
        found = {words: tests[goal.ahead_of]} if goal.ahead_of in tests else {}
    if not found:
        return None
    verdicts = by_verdict(found)
    said = "; ".join(f"{word}: {', '.join(titles)}" for word, titles in verdicts.items())
    return f"harmonic mean above that of {words}, Holm's p < 0.05", said, _met(list(verdicts))


def _met(verdicts: Sequence[str]) -> str:
    if verdicts == ["ahead"]:
        return "met"
    if verdicts == ["too few pairs"]:
        return "cannot be told"
    return "met in part" if "ahead" in verdicts else "missed"


def _falling(suite: Suite, rows: Sequence[Row], goal: Goal) -> Line | None:
    """Over groups of more and more concepts; nothing where profiles may come from the cache."""
    if registry.uses_cache(suite.entry(suite.reference)):
        return None
    groups = {group.name for family in _families(suite, goal).values() for group in family}
    times: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        origin = row.origin
        own = origin.method == suite.reference and origin.group in groups
        if own and row.judge == PREPARATION:
            times[len(origin.concepts)].append(row.value / len(origin.concepts))
    if len(times) < 2:
        return None
    means = [round(fmean(times[count]), 2) for count in sorted(times)]
    met = all(earlier > later for earlier, later in pairwise(means))
    figure = f"{', '.join(f'{mean:.2f}' for mean in means)} s"
    counts = ", ".join(map(str, sorted(times)))
    return f"{WORDS[TIME]} falls", f"{figure} with {counts}", "met" if met else "missed"
