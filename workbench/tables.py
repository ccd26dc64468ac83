"""The measured rows as tables: means and standard deviations over seeds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from workbench.erasure import PLAIN, Case, Shot
from workbench.measurement import Row, title_of


@dataclass(frozen=True)
class Accuracy:
    """Shares of right answers, one a seed."""

    by_seed: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.by_seed)

    def __str__(self) -> str:
        spread = 100 * stdev(self.by_seed) if len(self.by_seed) > 1 else 0.0
        return f"{100 * self.mean:.1f} ± {spread:.1f}"


@dataclass(frozen=True)
class Outcome:
    """One case beside the plain model, on the same shots."""

    case: Case
    forgotten_before: Accuracy
    forgotten: Accuracy
    kept_before: Accuracy
    kept: Accuracy

    @property
    def kept_share(self) -> float:
        """Accuracy on the kept objects as a share of what it was."""
        return self.kept.mean / self.kept_before.mean if self.kept_before.mean else 0.0


def outcome(case: Case, rows: Sequence[Row]) -> Outcome:
    """Compare a case with the plain model on the shots that both answered."""
    plain = {row.shot: row.right for row in rows if row.case == PLAIN}
    mine = {row.shot: row.right for row in rows if row.case == case and row.shot in plain}

    def is_forgotten(shot: Shot) -> bool:
        return shot.object in case.forget

    def is_kept(shot: Shot) -> bool:
        return shot.object not in case.forget

    before = {shot: plain[shot] for shot in mine}
    return Outcome(
        case,
        accuracy(before, is_forgotten),
        accuracy(mine, is_forgotten),
        accuracy(before, is_kept),
        accuracy(mine, is_kept),
    )


def accuracy(right: dict[Shot, bool], wanted: Callable[[Shot], bool]) -> Accuracy:
    """Share of right answers among the wanted shots, seed by seed."""
    seeds = sorted({shot.seed for shot in right})
    return Accuracy(
        tuple(
            fmean(answer for shot, answer in right.items() if shot.seed == seed and wanted(shot))
            for seed in seeds
        )
    )


def erasure_report(rows: Sequence[Row]) -> str:
    """Markdown: what the plain model draws, every case, and the best strength of every group."""
    cases = list(dict.fromkeys(row.case for row in rows if row.case != PLAIN))
    outcomes = [outcome(case, rows) for case in cases]
    groups = list(dict.fromkeys(case.forget for case in cases))
    best = [
        max((o for o in outcomes if o.case.forget == group), key=harmonic_mean) for group in groups
    ]
    paper = [o for o in outcomes if o.case.strength == 1]
    parts = [
        "# Erasure of the bundled model's concepts",
        "Judge's accuracy in percent, mean ± standard deviation over seeds. "
        "Written by `python3 benchmarks/erasure.py`.",
        "## Strength 1 (the paper's)",
        outcome_table(paper),
        "## Best strength of those measured",
        "By the harmonic mean of 1 − forgotten accuracy and the kept share.",
        outcome_table(best),
        "## All strengths",
        outcome_table(outcomes),
        "## The plain model",
        plain_table(rows),
    ]
    return "\n\n".join(parts) + "\n"


def harmonic_mean(result: Outcome) -> float:
    """Of 1 − forgotten accuracy and kept share; 0 when either is 0."""
    gone, kept = 1 - result.forgotten.mean, min(1.0, result.kept_share)
    return 2 * gone * kept / (gone + kept) if gone + kept else 0.0


def outcome_table(outcomes: Iterable[Outcome]) -> str:
    lines = [
        "| case | forgotten before | forgotten after | kept before | kept after | kept share |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in outcomes:
        cells = (title_of(one.case), one.forgotten_before, one.forgotten, one.kept_before, one.kept)
        share = f"{100 * one.kept_share:.1f} %"
        lines.append(f"| {' | '.join(map(str, cells))} | {share} |")
    return "\n".join(lines)


def plain_table(rows: Sequence[Row]) -> str:
    right = {row.shot: row.right for row in rows if row.case == PLAIN}
    lines = ["| object | judge's accuracy |", "| --- | --- |"]
    for name in dict.fromkeys(shot.object for shot in right):
        lines.append(f"| {name} | {accuracy(right, lambda shot, name=name: shot.object == name)} |")
    return "\n".join(lines)
