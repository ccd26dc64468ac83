"""The plot, the picture and the tables of docs/evidence.md, from its suites.

python3 benchmarks/evidence.py      prints the tables, draws docs/evidence.png from the rows and
                                    docs/four_steps.jpg where the suite's own pictures lie
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.analysis.frames import Measured

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

SUITES = {
    "UNet 0": "twin_0_forget",
    "UNet 0, guidance 1": "twin_0_forget_one",
    "UNet 1": "twin_1_forget",
    "UNet 1, guidance 1": "twin_1_forget_one",
    "UNet 2": "twin_2_forget",
    "UNet 2, guidance 1": "twin_2_forget_one",
    "single stream 0": "twin_lumina_0_forget",
    "single stream 0, guidance 1": "twin_lumina_0_forget_one",
    "single stream 1": "twin_lumina_1_forget",
    "single stream 1, guidance 1": "twin_lumina_1_forget_one",
    "four steps": "twin_lumina_fast_0_forget",
    "AuraFlow": "twin_auraflow_2_forget",
}
"""What people call a model → the suite in which each of ten names is forgotten alone on it."""

SEVERAL = {"UNet 0": "twin_0_several", "single stream 0": "twin_lumina_0_several"}
"""Likewise, where several names are forgotten at once."""

MASK = "fia, r2 3 %, strength 1.25"
"""Of several names."""

METHODS = {
    "base": "plain model",
    "forget_lora": "Forget LoRA",
    "fia, r2 3 %, strength 2": "mask",
    "uce": "UCE",
    "speed": "SPEED",
    "scapre": "ScaPre",
    "nag": "NAG",
}
JUDGES = ("demo_objects", "transformer_objects")
PRESENCE = "presence"
Z = 1.96
"""Of a 95 % interval."""


@dataclass(frozen=True)
class Counts:
    """What judges say of a method's pictures.

    Attributes:
        model, method: what people call them.
        found, asked: pictures in which a forgotten name is found, by judge, of how many.
        kept, drawn: pictures in which a kept name is found, by judge, of how many.
        there: pictures of a forgotten name with something in the scene.
    """

    model: str
    method: str
    found: tuple[int, ...]
    asked: int
    kept: tuple[int, ...]
    drawn: int
    there: int

    def cells(self) -> list[str]:
        """Of a row of the table; the second judge is in brackets."""
        found, kept = ("{} ({})".format(*both) for both in (self.found, self.kept))
        return [self.model, self.method, found, kept, str(self.there)]


def counted() -> Iterator[Counts]:
    """All methods of all suites that have rows."""
    for model, suite in SUITES.items():
        measured = _measured(suite)
        pairs = _pairs(measured)
        for label in measured.labels:
            own = {judge: frame[frame["method"] == label] for judge, frame in pairs.items()}
            asked = {judge: frame[frame["forgotten"]]["after"] for judge, frame in own.items()}
            others = {judge: frame[~frame["forgotten"]]["after"] for judge, frame in own.items()}
            yield Counts(
                model,
                METHODS[label],
                tuple(int(asked[judge].sum()) for judge in JUDGES),
                len(asked[PRESENCE]),
                tuple(int(others[judge].sum()) for judge in JUDGES),
                len(others[PRESENCE]),
                int(asked[PRESENCE].sum()),
            )


def several() -> Iterator[list[str]]:
    """Cells of the rows of the table of several names; the second judge is in brackets.

    After Forget LoRA: found, something there, kept of the names that are on the node's list and of
    the others; after a mask: found, kept.
    """
    from fia_core.prompts import NOUNS

    for model, suite in SEVERAL.items():
        pairs, counts = _pairs(_measured(suite)), {}
        for judge, frame in pairs.items():
            listed = frame["shows"].isin(NOUNS).map({True: "listed", False: "not listed"})
            which = listed.mask(frame["forgotten"], "forgotten")
            counts[judge] = frame.groupby(["group", "method", which])["after"].sum().astype(int)
        for group in dict.fromkeys(pairs[PRESENCE]["group"]):
            lora, mask = (
                {judge: each[group, method] for judge, each in counts.items()}
                for method in ("forget_lora", MASK)
            )
            cells = [_both(lora, which) for which in ("forgotten", "listed", "not listed")]
            cells.insert(1, str(lora[PRESENCE]["forgotten"]))
            masked = [_both(mask, "forgotten"), _both(mask, "listed", "not listed")]
            yield [model, group, *cells, *masked]


def instead() -> str:
    """In how many pictures of a forgotten name a banana was drawn in its place, by both judges."""
    measured = _measured("twin_0_instead")
    frames = (measured.pairs(judge) for judge in ("bananas", "transformer_bananas"))
    drawn = [one[one["forgotten"] & (one["method"] == "forget_lora")]["after"] for one in frames]
    return "a banana instead: {:.0f} ({:.0f}) of {}".format(*map(sum, drawn), len(drawn[0]))


def _both(counts: dict[str, Any], *which: str) -> str:
    return "{} ({})".format(*(sum(counts[judge][one] for one in which) for judge in JUDGES))


def _measured(suite: str) -> "Measured":
    from benchmarks.analysis.frames import Measured
    from benchmarks.harness.places import Places, suite_path
    from benchmarks.harness.rows import Rows
    from benchmarks.harness.suite_file import load_suite

    name = f"natural/{suite}"
    return Measured(load_suite(suite_path(name)), Rows(Places(name).rows))


def _pairs(measured: "Measured") -> dict[str, Any]:
    """What each judge says of all pictures, as ``Measured.pairs`` has it."""
    return {judge: measured.pairs(judge) for judge in (*JUDGES, PRESENCE)}


def interval(count: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    middle = (count + Z**2 / 2) / (of + Z**2)
    half = Z / (of + Z**2) * (count * (of - count) / of + Z**2 / 4) ** 0.5
    return middle - half, middle + half


def plot(rows: list[Counts], file: Path) -> None:
    """Shares of forgotten names still found and of others kept, by the first judge."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from PIL import Image

    from workbench.tiles import save_small

    rows = rows[::-1]
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 0.27 * len(rows) + 1.2), sharey=True)
    shown = (
        ("forgotten name still found", lambda row: (row.found[0], row.asked)),
        ("other names kept", lambda row: (row.kept[0], row.drawn)),
    )
    for axis, (title, counts) in zip(axes, shown, strict=True):
        for place, row in enumerate(rows):
            count, of = counts(row)
            low, high = interval(count, of)
            colour = "tab:red" if row.method == METHODS["forget_lora"] else "tab:gray"
            axis.plot([100 * low, 100 * high], [place, place], color=colour)
            axis.plot(100 * count / of, place, "o", color=colour)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("% of pictures, with 95 % intervals")
        axis.set_xlim(-2, 102)
        axis.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(range(len(rows)), [f"{row.model}: {row.method}" for row in rows], fontsize=8)
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    save_small(Image.open(file).convert("RGB"), file, colours=64)


def before_after(suite_name: str, file: Path) -> None:
    """Every forgotten name at the first seed, drawn by the plain model and after Forget LoRA."""
    from PIL import Image

    from benchmarks.harness.places import Places, suite_path
    from benchmarks.harness.runner import origin_of
    from benchmarks.harness.shots import group_shots
    from benchmarks.harness.suite_file import load_suite
    from workbench.grid import before_after_sheet

    suite_name = f"natural/{suite_name}"
    suite, places = load_suite(suite_path(suite_name)), Places(suite_name)
    plain, entry = (suite.entry(label) for label in ("base", "forget_lora"))
    before = origin_of(suite, plain)
    pairs = [
        (
            shot.object,
            places.picture(before, shot),
            places.picture(origin_of(suite, entry, group), shot),
        )
        for group in suite.groups
        for shot in group_shots(suite, group, suite.conditions[0], suite.seeds[0])
        if shot.object in group.concepts
    ]
    if all(path.exists() for _, *both in pairs for path in both):
        rows = [(name, Image.open(before), Image.open(after)) for name, before, after in pairs]
        sheet = before_after_sheet(rows, [name for name, *_ in rows], "Forget LoRA")
        sheet.save(file, quality=72)


def main() -> None:
    run_in_environment(Path(__file__).resolve(), benchmarks=True)
    rows = [row for row in counted() if row.method != METHODS["base"]]
    plot(rows, ROOT / "docs" / "evidence.png")
    before_after("twin_lumina_fast_0_forget", ROOT / "docs" / "four_steps.jpg")
    for cells in (*(row.cells() for row in rows), *several()):
        print("| " + " | ".join(cells) + " |")
    print(instead())


if __name__ == "__main__":
    main()
