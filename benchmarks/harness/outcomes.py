"""What the rows say of a method: pairs with the base model's rows, by group and seed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import fmean, stdev

from .ledger import Row
from .shots import Shot, group_shots
from .suite import BASE, Group, Suite


@dataclass(frozen=True)
class Outcome:
    """Shares of right answers for one group at one seed, before and after forgetting.

    Attributes:
        group, seed, condition: which pictures.
        forgotten_before, forgotten: on the concepts that were forgotten.
        kept_before, kept: on those that should stay.
        forgotten_pictures, kept_pictures: how many of each.
    """

    group: str
    seed: int
    condition: str
    forgotten_before: float
    forgotten: float
    kept_before: float
    kept: float
    forgotten_pictures: int
    kept_pictures: int

    @property
    def kept_share(self) -> float:
        """``kept`` as a share of what it was; above 1 where more is found than before.

        NaN where nothing was found before: then there is nothing that could be kept.
        """
        return self.kept / self.kept_before if self.kept_before else nan

    @property
    def harmonic_mean(self) -> float:
        """Of 1 − ``forgotten`` and the kept share, which counts as at most 1; 0 when either is,
        and NaN with the kept share."""
        if isnan(self.kept_share):
            return nan
        gone, stayed = 1 - self.forgotten, min(1.0, self.kept_share)
        return 2 * gone * stayed / (gone + stayed) if gone + stayed else 0.0


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


Answers = Mapping[Shot, float]


class Answered:
    """The rows of one judge, found by method, group and shot."""

    def __init__(self, rows: Iterable[Row], judge: str) -> None:
        self.judge = judge
        self._values: dict[tuple[str, str], dict[Shot, float]] = defaultdict(dict)
        for row in rows:
            if row.judge == judge:
                self._values[row.origin.method, row.origin.group][row.shot] = row.value

    @property
    def base(self) -> Answers:
        """What the base model was asked."""
        return self._values.get((BASE, ""), {})

    def of(self, method: str, group: str) -> Answers:
        """What a method was asked after it forgot a group."""
        return self._values.get((method, group), {})

    def pairs(self, method: str, group: str) -> list[tuple[Shot, float, float]]:
        """(shot, value before, value after) of every shot that both answered."""
        if method == BASE:
            return [(shot, value, value) for shot, value in self.base.items()]
        base = self.base
        return [
            (shot, base[shot], value)
            for shot, value in self.of(method, group).items()
            if shot in base
        ]


def outcomes(
    suite: Suite, answered: Answered, method: str, group: Group, template: str = ""
) -> list[Outcome]:
    """One for every condition and seed that holds both a forgotten and a kept concept.

    Args:
        suite, answered: what was asked and answered.
        method: a label of the suite.
        group: what it forgot.
        template: only shots of this one of the suite's prompts; all where empty.
    """
    found = []
    pairs = answered.pairs(method, group.name)
    for condition in suite.conditions:
        for seed in suite.seeds:
            asked = set(group_shots(suite, group, condition, seed, template))
            here = [pair for pair in pairs if pair[0] in asked]
            gone = [pair for pair in here if pair[0].shows(suite.concept) in group.concepts]
            stay = [pair for pair in here if pair[0].shows(suite.concept) in group.kept]
            if gone and stay:
                found.append(
                    Outcome(
                        group.name,
                        seed,
                        condition.name,
                        fmean(before for _, before, _ in gone),
                        fmean(after for *_, after in gone),
                        fmean(before for _, before, _ in stay),
                        fmean(after for *_, after in stay),
                        len(gone),
                        len(stay),
                    )
                )
    return found


@dataclass(frozen=True)
class Pair:
    """A picture's value before and after forgetting, of a shot that the suite still asks for."""

    condition: str
    seed: int
    forgotten: bool
    before: float
    after: float


def asked_pairs(
    suite: Suite, answered: Answered, method: str, groups: Iterable[Group]
) -> Iterator[Pair]:
    """All of a method's; ``seed`` is the suite's."""
    for group in groups:
        pairs = answered.pairs(method, group.name)
        for condition in suite.conditions:
            for seed in suite.seeds:
                asked = set(group_shots(suite, group, condition, seed))
                for shot, before, after in pairs:
                    if shot in asked:
                        forgotten = shot.shows(suite.concept) in group.concepts
                        yield Pair(condition.name, seed, forgotten, before, after)


def before_and_after(pairs: Iterable[Pair]) -> tuple[Spread, Spread]:
    """The means at each seed, of the same seeds."""
    found = list(pairs)
    return (
        mean_by_seed((one.seed, one.before) for one in found),
        mean_by_seed((one.seed, one.after) for one in found),
    )


def outcomes_of(
    suite: Suite, answered: Answered, method: str, groups: Iterable[Group], template: str = ""
) -> list[Outcome]:
    """The same for several groups."""
    return [one for group in groups for one in outcomes(suite, answered, method, group, template)]


def over_seeds(found: Sequence[Outcome], value: Callable[[Outcome], float]) -> Spread:
    """The mean over groups and conditions at each seed; values that are NaN are left out."""
    return mean_by_seed((one.seed, value(one)) for one in found)


def mean_by_seed(values: Iterable[tuple[int, float]]) -> Spread:
    """The mean at each seed of (seed, value); values that are NaN are left out."""
    by_seed: dict[int, list[float]] = defaultdict(list)
    for seed, value in values:
        if not isnan(value):
            by_seed[seed].append(value)
    return Spread(tuple(fmean(by_seed[seed]) for seed in sorted(by_seed)))
