"""The measured rows as tables: means and standard deviations over seeds."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from workbench.erasure import PLAIN, Case, Shot
from workbench.measurement import Row, group_name


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
    """Markdown: what was asked, every case at every strength, and what the plain model draws."""
    cases = list(dict.fromkeys(row.case for row in rows if row.case != PLAIN))
    strengths = sorted({case.strength for case in cases})
    parts = ["# Erasure of the bundled model's concepts", description(rows)]
    for strength in strengths:
        name = " (the paper's)" if strength == 1 else ""
        at_strength = [outcome(case, rows) for case in cases if case.strength == strength]
        parts += [f"## Strength {strength:g}{name}", outcome_table(at_strength)]
    if len(strengths) > 1:
        parts += ["## Best strength of those measured", best_strengths(cases, rows)]
    parts += ["## The plain model", plain_table(rows)]
    return "\n\n".join(parts) + "\n"


def description(rows: Sequence[Row]) -> str:
    """What the tables are made of."""
    seeds = sorted({row.shot.seed for row in rows})
    scenes = sorted({row.shot.scene for row in rows})
    return (
        f"{len(rows):,} pictures of the bundled model, seeds {seeds[0]} to {seeds[-1]}, each "
        f"object in some or all of the scenes {', '.join(scenes)}; no scene and no seed of these "
        "was used for profiling. A forgotten object is asked for in all scenes, a kept one in "
        "fewer. The figures are the judge network's accuracy in percent, mean ± standard deviation "
        "over seeds; *kept share* is accuracy on the kept objects after, of that before. Written "
        "by `python3 benchmarks/erasure.py`."
    )


def best_strengths(cases: Sequence[Case], rows: Sequence[Row]) -> str:
    """The strength of every group of concepts with the highest harmonic mean of 1 − forgotten
    accuracy and kept share, the lowest where several have it."""
    lines = ["| case | best strength | harmonic mean |", "| --- | --- | --- |"]
    for group in dict.fromkeys(case.forget for case in cases):
        outcomes = [outcome(case, rows) for case in cases if case.forget == group]
        best = max(outcomes, key=lambda one: (harmonic_mean(one), -one.case.strength))
        mean = f"{100 * harmonic_mean(best):.1f} %"
        lines.append(f"| {group_name(group)} | {best.case.strength:g} | {mean} |")
    return "\n".join(lines)


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
        cells = (
            group_name(one.case.forget),
            one.forgotten_before,
            one.forgotten,
            one.kept_before,
            one.kept,
        )
        share = f"{100 * one.kept_share:.1f} %"
        lines.append(f"| {' | '.join(map(str, cells))} | {share} |")
    return "\n".join(lines)


def plain_table(rows: Sequence[Row]) -> str:
    right = {row.shot: row.right for row in rows if row.case == PLAIN}
    lines = ["| object | judge's accuracy |", "| --- | --- |"]
    for name in dict.fromkeys(shot.object for shot in right):
        lines.append(f"| {name} | {accuracy(right, lambda shot, name=name: shot.object == name)} |")
    return "\n".join(lines)
