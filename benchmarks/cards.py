"""What profiling does on cards of several sizes, reckoned and not measured.

    python3 benchmarks/cards.py

Asks the extension's own memory plan, in the real ComfyUI, with stand-ins for the card's memory and
models of true size without weights. Writes ``docs/results/cards.md``.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import HOST, run_in_environment  # noqa: E402

REPORT = ROOT / "docs" / "results" / "cards.md"
MEMORY = """# On cards

Written by `python3 benchmarks/cards.py`. Nothing here was measured on a card.

## Where profiling keeps its state

The memory plan's own answers, with stand-ins for the card's memory: {taken:g} GB of a card are
taken by the desktop and by CUDA, {ram} GB of RAM are free, no other model is loaded. Ten concepts
share the base prompts. *Moments* are used at every prompt, *sums* once a step and concept;
weights that do not stay on the card are streamed through it at every call, as the host does it for
sampling. Every card but those marked † can sample a batch of four pictures. Plain and dynamic are
the host's two patchers; plans that are equal for both have one row.

| card | model | patcher | moments on the card | sums | prompts a call | weights that stay |
| --- | --- | --- | --- | --- | --- | --- |
"""


def memory_table(comfyui: Path) -> str:
    """A row for each card, model and patcher."""
    from benchmarks.true_size_rows.host import load_host

    extension = load_host(comfyui)
    from benchmarks.true_size_rows import cards

    lines = []
    for load in cards.LOADS:
        models = {name: cards.patcher(load, kind) for name, kind in cards.PATCHERS.items()}
        for size in cards.CARDS:
            found: dict[cards.Placement, list[str]] = {}
            for name in cards.PATCHERS:
                placed = cards.placement(extension, load, models[name], size)
                found.setdefault(placed, []).append(name)
            for placed, names in found.items():
                mark = "" if placed.samples_four else " †"
                lines.append(
                    f"| {size} GB{mark} | {load.name} | {', '.join(names)} | {placed.moments:.0%} "
                    f"| {'card' if placed.sums else 'RAM'} | {placed.prompts} "
                    f"| {placed.weights:.0%} |"
                )
    head = MEMORY.format(taken=cards.TAKEN, ram=cards.RAM)
    return head + "\n".join(lines) + "\n"


def main() -> None:
    run_in_environment(Path(__file__).resolve(), benchmarks=True)
    REPORT.write_text(memory_table(HOST), encoding="utf-8")
    print(REPORT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
