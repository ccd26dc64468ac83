"""Which setting of each peer does best."""

from collections import defaultdict
from collections.abc import Sequence
from math import inf
from operator import attrgetter

from . import registry
from .ledger import Row
from .measures import accuracy, distances, moved
from .outcomes import Spread, outcomes_of, over_seeds
from .suite import Entry, Suite

DIGITS = 6
"""Harmonic means that agree to so many count as equal."""


def best_settings(suite: Suite, rows: Sequence[Row]) -> dict[str, Entry]:
    """By the peer's file: the highest harmonic mean over all groups and, among equals, the least
    distance of kept pictures. Peers with one setting are left out.

    Raises:
        SuiteError: no judge looks for the suite's concepts.
    """
    answered, compared = accuracy(suite, rows), distances(suite, rows)
    ranks: dict[str, list[tuple[float, float, Entry]]] = defaultdict(list)
    for entry in suite.entries:
        found = outcomes_of(suite, answered, entry.label, suite.groups)
        means = over_seeds(found, attrgetter("harmonic_mean"))
        if means.by_seed and registry.method(entry.use).kind.endswith("peer"):
            far = moved(suite, compared, entry.label, suite.groups) if compared else Spread(())
            distance = far.mean if far.by_seed else inf
            ranks[entry.use].append((-round(means.mean, DIGITS), distance, entry))
    return {
        use: min(settings, key=lambda one: one[:2])[2]
        for use, settings in ranks.items()
        if len(settings) > 1
    }


def best_settings_list(suite: Suite, rows: Sequence[Row]) -> str:
    """The same as a Markdown list; empty without any."""
    return "\n".join(
        f"- {registry.method(use).title}: {registry.entry_title(entry)}"
        for use, entry in best_settings(suite, rows).items()
    )
