"""Do two judges of the same thing say the same of the same pictures?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from . import registry
from .ledger import Row
from .suite import BASE, Suite


@dataclass(frozen=True)
class Agreement:
    """Of two judges that answer 1 or 0.

    Attributes:
        pictures: that both have seen.
        first, second: the share of them that each answers with 1.
        equal: the share on which they say the same.
        kappa: Cohen's; 1 for full agreement, 0 for that of chance, None where one of them always
            says the same, so that agreement cannot be told from chance.
    """

    pictures: int
    first: float
    second: float
    equal: float
    kappa: float | None


def agreement(answers: Sequence[tuple[float, float]]) -> Agreement:
    """Compare two judges' answers, 1 or 0, picture by picture.

    κ = (p_o − p_e) / (1 − p_e), with p_o the share of equal answers and p_e the share that two
    judges with these frequencies would reach by chance (Cohen 1960, "A coefficient of agreement for
    nominal scales").

    Raises:
        ValueError: there are no answers.
    """
    if not answers:
        raise ValueError("answers: are empty; give those of at least one picture.")
    first, second = (fmean(values) for values in zip(*answers, strict=True))
    equal = fmean(one == other for one, other in answers)
    chance = first * second + (1 - first) * (1 - second)
    constant = {first, second} & {0.0, 1.0}
    kappa = None if constant else (equal - chance) / (1 - chance)
    return Agreement(len(answers), first, second, equal, kappa)


def judge_pairs(suite: Suite) -> Iterator[tuple[str, str]]:
    """The suite's judges that look for the same thing, two by two."""
    for first, second in combinations(suite.judges, 2):
        aspects = {registry.judge(name).aspect for name in (first, second)}
        if len(aspects) == 1 and "picture" not in aspects:
            yield first, second


def agreement_table(suite: Suite, rows: Sequence[Row], first: str, second: str) -> str:
    """How often two judges agree on all pictures, the base model's, and after forgetting; empty
    where no picture was seen by both."""
    by_judge = {
        name: {(row.origin, row.shot): row.value for row in rows if row.judge == name}
        for name in (first, second)
    }
    groups = {group.name: group for group in suite.groups}

    def forgotten(row: Row) -> bool:
        group = groups.get(row.origin.group)
        return group is not None and row.shot.shows(suite.concept) in group.concepts

    parts: dict[str, Callable[[Row], bool]] = {
        "all pictures": lambda row: True,
        "the base model's": lambda row: row.origin.method == BASE,
        "of what was forgotten": forgotten,
        "of what should stay": lambda row: row.origin.method != BASE and not forgotten(row),
    }
    lines = [
        "The same pictures, two judges: how often each finds what was asked for, how often they "
        "say the same, and Cohen's kappa (1 full agreement, 0 as by chance; none where one "
        "of them always says the same).",
        "",
        f"| pictures | number | {registry.judge(first).title}, % | "
        f"{registry.judge(second).title}, % | equal, % | kappa |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for title, wanted in parts.items():
        answers = [
            (by_judge[first][row.origin, row.shot], row.value)
            for row in rows
            if row.judge == second and wanted(row) and (row.origin, row.shot) in by_judge[first]
        ]
        if answers:
            found = agreement(answers)
            kappa = "–" if found.kappa is None else f"{found.kappa:.3f}"
            lines.append(
                f"| {title} | {found.pictures:,} | {100 * found.first:.1f} | "
                f"{100 * found.second:.1f} | {100 * found.equal:.1f} | {kappa} |"
            )
    return "\n".join(lines) if len(lines) > 4 else ""
