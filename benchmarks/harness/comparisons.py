"""The reference against every other method, in values paired by group, condition and seed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from statistics import fmean

from . import registry
from .outcomes import Answered, outcomes_of
from .shots import suite_seeds
from .significance import SIGNIFICANT, Comparison, corrected, signed_rank
from .suite import BASE, Group, Suite

ByPair = dict[tuple[str, str, int], float]
"""A value by group, condition and seed."""


def comparisons(
    suite: Suite, answered: Answered, groups: Sequence[Group] = ()
) -> dict[str, Comparison]:
    """Of the harmonic means on these groups, or all, by label in the suite's order."""
    chosen = groups or suite.groups
    return _against_reference(suite, lambda label: _harmonic_means(suite, answered, label, chosen))


def change_comparisons(suite: Suite, answered: Answered) -> dict[str, Comparison]:
    """Of the mean distance to the base model's pictures of what is kept; the smaller is ahead."""
    return _against_reference(suite, lambda label: _closeness(suite, answered, label))


def kept_distances(suite: Suite, answered: Answered, label: str, groups: Iterable[Group]) -> ByPair:
    """The mean distance to the base model's pictures of what each group keeps."""
    seeds = suite_seeds(suite)
    distances: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for group in groups:
        for shot, _, distance in answered.pairs(label, group.name):
            if shot in seeds and shot.shows(suite.concept) in group.kept:
                distances[group.name, shot.condition, seeds[shot]].append(distance)
    return {pair: fmean(values) for pair, values in distances.items()}


def test_table(suite: Suite, tests: Mapping[str, Comparison], of: str, digits: int = 1) -> str:
    """The tests of one value; empty without any.

    Args:
        suite, tests: by label.
        of: what was compared, for the sentence above the table.
        digits: of the difference, in percent.
    """
    if not tests:
        return ""
    lines = [
        f"Paired Wilcoxon signed-rank test, two-sided, of {of}; a pair is one group at one seed in "
        "one condition. Holm's correction is over the methods of the table. *Too few pairs*: "
        "Holm's p would not be below 0.05 if all of them differed. Pairs of one seed start from "
        "the same noise, and groups share prompts, so p tells less than of so many independent "
        f"pairs; *p, seeds* is of the means at each seed alone{_least_of_seeds(tests)}.",
        "",
        "| method | difference | pairs (differing) | p | p, Holm "
        "| seeds ahead | p, seeds, Holm | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for label, test in tests.items():
        cells = (
            registry.title(suite, label),
            f"{100 * test.difference:+.{digits}f}",
            f"{test.pairs} ({test.differing})",
            f"{test.p:.2g}",
            f"{test.p_holm:.2g}",
            f"{test.seeds_ahead} of {test.seeds}",
            f"{test.p_seeds_holm:.2g}",
            verdict(test),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _least_of_seeds(tests: Mapping[str, Comparison]) -> str:
    """How small it can be at all, where that is not below 0.05."""
    least = min(test.least_p_seeds_holm for test in tests.values())
    return f", which cannot be below {least:.2g} here" if least >= SIGNIFICANT else ""


VERDICTS = ("ahead", "equal", "no difference shown", "behind", "too few pairs")


def verdict(test: Comparison) -> str:
    """Who is ahead, if the test tells, and why not where it cannot."""
    if test.p_holm < SIGNIFICANT:
        return "ahead" if test.difference > 0 else "behind"
    if test.differing == 0:
        return "equal"
    return "too few pairs" if test.least_p_holm >= SIGNIFICANT else "no difference shown"


def hardest(suite: Suite, tests: Mapping[str, Comparison], *kinds: str) -> dict[str, Comparison]:
    """Methods of these kinds by title, each in the setting that leaves the reference the least
    ahead, on the groups that it was measured on."""
    found: dict[str, Comparison] = {}
    for entry in suite.entries:
        test, known = tests.get(entry.label), registry.method(entry.use)
        if test is None or known.kind not in kinds:
            continue
        other = found.get(known.title)
        if other is None or test.difference < other.difference:
            found[known.title] = test
    return found


def by_verdict(tests: Mapping[str, Comparison]) -> dict[str, list[str]]:
    """Names by what the test says of them, the best first."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, test in tests.items():
        found[verdict(test)].append(name)
    return {word: found[word] for word in VERDICTS if word in found}


def _against_reference(suite: Suite, value: Callable[[str], ByPair]) -> dict[str, Comparison]:
    """More of a value is ahead."""
    mine = value(suite.reference)
    tests: dict[str, Comparison] = {}
    for entry in suite.entries:
        if entry.label in (BASE, suite.reference):
            continue
        its = value(entry.label)
        shared = [pair for pair in mine if pair in its]
        if shared:
            tests[entry.label] = signed_rank(
                [mine[pair] for pair in shared],
                [its[pair] for pair in shared],
                [seed for *_, seed in shared],
            )
    return corrected(tests)


def _harmonic_means(
    suite: Suite, answered: Answered, label: str, groups: Sequence[Group]
) -> ByPair:
    return {
        (one.group, one.condition, one.seed): one.harmonic_mean
        for one in outcomes_of(suite, answered, label, groups)
        if not isnan(one.harmonic_mean)
    }


def _closeness(suite: Suite, answered: Answered, label: str) -> ByPair:
    distances = kept_distances(suite, answered, label, suite.groups)
    return {pair: -distance for pair, distance in distances.items()}
