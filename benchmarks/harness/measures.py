"""What is measured of a method: three shares, and how far kept pictures move."""

from collections.abc import Callable, Iterable, Sequence

from . import registry
from .comparisons import kept_distances
from .ledger import Row
from .outcomes import Answered, Outcome, Spread, mean_by_seed
from .suite import Group, Suite

FIGURES: tuple[tuple[str, str, Callable[[Outcome], float]], ...] = (
    ("1 − accuracy on forgotten, %", "#1d4ed8", lambda one: 1 - one.forgotten),
    ("kept share, %", "#0f766e", lambda one: one.kept_share),
    ("harmonic mean, %", "#c2410c", lambda one: one.harmonic_mean),
)
"""Title, colour and value of the three shares, all better when higher."""

DISTANCE = "distance of kept pictures, %"


def accuracy(suite: Suite, rows: Sequence[Row]) -> Answered:
    """What the first judge of the concepts says."""
    return Answered(rows, registry.judge_of_concepts(suite))


def distances(suite: Suite, rows: Sequence[Row]) -> Answered | None:
    """What the first judge that compares pictures says; None without one."""
    judge = registry.judge_of_changes(suite)
    return Answered(rows, judge) if judge else None


def required_distances(suite: Suite, rows: Sequence[Row]) -> Answered:
    """The same.

    Raises:
        ValueError: the suite has no such judge.
    """
    found = distances(suite, rows)
    if found is None:
        raise ValueError(f"{suite.name}: judges: none compares pictures; add pixel_distance.")
    return found


def moved(suite: Suite, answered: Answered, label: str, groups: Iterable[Group]) -> Spread:
    """How far kept pictures are from the base model's, the mean over groups and conditions at each
    seed."""
    found = kept_distances(suite, answered, label, groups)
    return mean_by_seed((seed, value) for (*_, seed), value in found.items())
