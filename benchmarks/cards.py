"""Profiling on cards of several sizes, reckoned and not measured.

    python3 benchmarks/cards.py

Asks the extension's own memory plan, in the real ComfyUI, with stand-ins for the card's memory and
models of true size without weights. Writes ``docs/results/cards.md``.
"""

import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

if TYPE_CHECKING:
    from workbench.in_process import Extension

REPORT = ROOT / "docs" / "results" / "cards.md"
GOAL = 1.10

MEMORY = """# On cards

Written by `python3 benchmarks/cards.py`. Nothing here was measured on a card.

## Where profiling keeps its state

The memory plan's own answers, with stand-ins for the card's memory: {taken:g} GB of a card are
taken by the desktop and by CUDA, {ram} GB of RAM are free, no other model is loaded. Ten concepts
share the base prompts. *Moments* are used at every prompt, *sums* once a step and concept;
weights that do not stay on the card are streamed through it at every call, as the host does it for
sampling. Every card but those marked † can sample a batch of four pictures. Plain and dynamic are
the host's two patchers; plans that are equal for both have one row.

{table}

"""
PLAN = [
    *("card", "model", "patcher", "moments on the card"),
    *("sums", "prompts a call", "weights that stay"),
]

TIME = """## What profiling should cost there

Predicted time of a Profile Concept run over that of sampling the same prompts and steps with
guidance. Counted are the floating-point operations of both halves of guidance ({flop}), those of
Eq. 1's product, and the bytes that the statistics move: {matrix} a weight, prompt and step where a
concept's ten prompts share a call (counted by `tests/host/test_statistics.py`), {x} an input of a
layer and {y} an output. Divided by the card's published rates: the product reaches {product:.0%} of
the dense float16 rate (added in float32), passes over memory {bandwidth:.0%} of the bandwidth, and
nothing runs beside anything else. The share of its rate that a card reaches while sampling decides
the ratio, so there are two columns. **Bold** is above the goal of 1.10.

{table}
"""


def memory_page(extension: "Extension") -> str:
    """A row for each card, model and patcher."""
    from benchmarks.analysis.tables import table
    from benchmarks.true_size_rows import cards

    lines = []
    for load in cards.LOADS:
        models = {name: cards.patcher(load, kind) for name, kind in cards.PATCHERS.items()}
        for size in cards.CARDS:
            found: dict[cards.Placement, list[str]] = {}
            for name, model in models.items():
                found.setdefault(cards.placement(extension, load, model, size), []).append(name)
            for placed, names in found.items():
                card = f"{size} GB" if placed.samples_four else f"{size} GB †"
                sums, chunk = "card" if placed.sums else "RAM", f"{placed.prompts}"
                shares = f"{placed.moments:.0%}", sums, chunk, f"{placed.weights:.0%}"
                lines.append([card, load.name, ", ".join(names), *shares])
    return MEMORY.format(taken=cards.TAKEN, ram=cards.RAM, table=table(PLAN, lines))


def time_page(extension: "Extension") -> str:
    """A row for each card; SD 1.5 and SDXL, each at two speeds of sampling."""
    from benchmarks.analysis.tables import table
    from benchmarks.true_size_rows import cards, prediction

    loads = [load for load in cards.LOADS if load.name.startswith("SD")]
    plain = cards.PATCHERS["plain"]
    works = {
        load.name: prediction.counted_work(extension, cards.patcher(load, plain), load.side)
        for load in loads
    }
    speeds = prediction.SAMPLING_SPEEDS
    columns = [f"{name}; sampling at {speed:.0%}" for name in works for speed in speeds]
    lines = []
    for card in prediction.CARDS:
        ratios = [work.ratio(card, speed) for work in works.values() for speed in speeds]
        cells = [f"**{r:.2f}**" if round(r, 2) > GOAL else f"{r:.2f}" for r in ratios]
        lines.append([card.name, *cells])
    return TIME.format(
        flop=" and ".join(
            f"{work.sampling / 1e12:.2f} T for {name}" for name, work in works.items()
        ),
        matrix=prediction.MATRIX_BYTES,
        x=prediction.X_BYTES,
        y=prediction.Y_BYTES,
        product=prediction.PRODUCT_SPEED,
        bandwidth=prediction.BANDWIDTH,
        table=table(["card", *columns], lines),
    )


def main() -> None:
    run_in_environment(Path(__file__).resolve(), benchmarks=True)
    from workbench.in_process import load_host

    extension = load_host(Path(mkdtemp(prefix="fia-cards-")))
    REPORT.write_text(memory_page(extension) + time_page(extension), encoding="utf-8")
    print(REPORT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
