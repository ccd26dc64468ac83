"""Profiling on cards of several sizes, reckoned and not measured.

    python3 benchmarks/cards.py

Asks the extension's own memory plan, in the real ComfyUI, with stand-ins for the card's memory and
models of true size without weights. Writes ``docs/results/cards.md``.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

REPORT = ROOT / "docs" / "results" / "cards.md"
GOAL = 1.10
PLAN = ["card", "model", "moments on the card", "sums", "prompts a call", "weights that stay"]
PAGE = """# On cards

Written by `python3 benchmarks/cards.py`. Nothing here was measured on a card.

## Where profiling keeps its state

The memory plan's own answers, with stand-ins for the card's memory: {cards.TAKEN:g} GB of a card are
taken by the desktop and by CUDA, {cards.RAM} GB of RAM are free, no other model is loaded. Ten concepts
share the base prompts. *Moments* are used at every prompt, *sums* once a step and concept;
weights that do not stay on the card are streamed through it at every call, as the host does it for
sampling. Every card but those marked † can sample a batch of four pictures. The plans are the same
for the host's plain patcher and for a stand-in of its dynamic one (`tests/host/test_cards.py`).

{plans}

## What profiling should cost there

Predicted time of a Profile Concept run over that of sampling the same prompts and steps with
guidance. Counted are the floating-point operations of both halves of guidance ({flop}), those of
Eq. 1's product, and the bytes that the statistics move: {cards.MATRIX_BYTES} a weight, prompt and step where a
concept's ten prompts share a call (counted by `tests/host/test_statistics.py`), {cards.X_BYTES} an input of a
layer and {cards.Y_BYTES} an output. Divided by the card's published rates: the product reaches {cards.PRODUCT_SPEED:.0%} of
the dense float16 rate (added in float32), passes over memory {cards.BANDWIDTH:.0%} of the bandwidth, and
nothing runs beside anything else. The share of its rate that a card reaches while sampling decides
the ratio, so there are two columns. **Bold** is above the goal of {goal:.2f}.

{ratios}
"""  # noqa: E501


def plans(cards: Any) -> list[list[str]]:
    """A line for each model and card. ``cards`` is the module of the extension."""
    lines = []
    for load in cards.LOADS:
        model = cards.without_weights(load)
        for size in cards.SIZES:
            placed = cards.placement(load, model, size)
            sums, card = "card" if placed.sums else "RAM", "" if placed.samples_four else " †"
            cells = (f"{placed.moments:.0%}", sums, f"{placed.prompts}", f"{placed.weights:.0%}")
            lines.append([f"{size} GB{card}", load.name, *cells])
    return lines


def page(cards: Any, table: Callable[..., str]) -> str:
    """The report. ``cards`` is the module of the extension, ``table`` that of the analysis."""
    works = {
        load.name: cards.counted_work(load) for load in cards.LOADS if load.name.startswith("SD")
    }
    speeds = cards.SAMPLING_SPEEDS
    lines = []
    for name, rates in cards.RATES.items():
        ratios = [work.ratio(*rates, speed) for work in works.values() for speed in speeds]
        cells = [f"**{r:.2f}**" if round(r, 2) > GOAL else f"{r:.2f}" for r in ratios]
        lines.append([name, *cells])
    head = ["card", *(f"{name}; sampling at {speed:.0%}" for name in works for speed in speeds)]
    return PAGE.format(
        cards=cards,
        goal=GOAL,
        plans=table(PLAN, plans(cards)),
        flop=" and ".join(
            f"{work.sampling / 1e12:.2f} T for {name}" for name, work in works.items()
        ),
        ratios=table(head, lines),
    )


def main() -> None:
    run_in_environment(Path(__file__).resolve(), benchmarks=True)
    from benchmarks.analysis.tables import table
    from workbench.in_process import load_host

    extension = load_host(Path(mkdtemp(prefix="fia-cards-")))
    text = page(extension.module("benchmarks.true_size_rows.cards"), table)
    REPORT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
