"""Draw which room imports from which, for ``docs/development.md``.

    python3 docs/draw_architecture.py

A room is a folder of Python modules, without the ``__init__.py`` that hands on what is in it. The
arrows are the imports themselves, read from the code; their width grows with the number of modules
that import.
"""

import ast
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

PICTURE = ROOT / "docs" / "architecture.png"
PLACES = {
    "nodes": (0.5, 0.97),
    "nodes/fields": (0.2, 0.84),
    "nodes/host/profiling": (0.1, 0.7),
    "nodes/host/forgetting": (0.33, 0.7),
    "nodes/host/applying": (0.58, 0.7),
    "nodes/charts": (0.9, 0.7),
    "nodes/host/denoising": (0.2, 0.55),
    "nodes/host/model": (0.42, 0.42),
    "nodes/host/files": (0.66, 0.42),
    "fia_core/reports": (0.9, 0.36),
    "fia_core": (0.55, 0.22),
    "fia_core/equations": (0.3, 0.05),
    "fia_core/files": (0.75, 0.05),
}
"""Room → where its middle lies, from left and from below."""

COLOURS = {"nodes": "#dbe8f6", "fia_core": "#fbe7d0"}


def imports() -> Counter[tuple[str, str]]:
    """(room, room that it imports from) → how many modules do."""
    arrows: Counter[tuple[str, str]] = Counter()
    for room in PLACES:
        for path in sorted((ROOT / room).glob("[!_]*.py")):
            arrows.update({(room, other) for other in _imported_rooms(path)} - {(room, room)})
    return arrows


def _imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            package = folder if folder.is_dir() else folder.parent
            rooms.add(package.relative_to(ROOT).as_posix())
    return rooms & PLACES.keys()


def draw(arrows: Counter[tuple[str, str]]) -> None:
    """Boxes with the number of modules and lines of each room, and an arrow for each import."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from PIL import Image

    from workbench.tiles import save_small

    figure, axes = pyplot.subplots(figsize=(11, 6.5))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    for (room, other), count in arrows.items():
        (x, y), (to_x, to_y) = PLACES[room], PLACES[other]
        level = y == to_y
        axes.annotate(
            "",
            xy=(to_x, to_y if level else to_y + 0.05),
            xytext=(x, y if level else y - 0.05),
            arrowprops={
                "arrowstyle": "-|>",
                "linewidth": 0.6 + 0.25 * count,
                "color": "#7f8a99",
                "connectionstyle": "arc3,rad=0.25" if level else "arc3,rad=0.06",
                "shrinkA": 42 if level else 0,
                "shrinkB": 42 if level else 0,
            },
        )
    for room, (x, y) in PLACES.items():
        files = list((ROOT / room).glob("[!_]*.py"))
        lines = sum(path.read_text(encoding="utf-8").count("\n") for path in files)
        axes.text(
            x,
            y,
            f"{room}/\n{len(files)} modules, {lines:,} lines",
            ha="center",
            va="center",
            fontsize=10,
            bbox={
                "boxstyle": "round,pad=0.6",
                "facecolor": COLOURS[room.split("/")[0]],
                "edgecolor": "#5b6675",
            },
        )
    figure.savefig(PICTURE, dpi=110, bbox_inches="tight")
    save_small(Image.open(PICTURE).convert("RGB"), PICTURE, colours=24)


def main() -> None:
    run_in_environment(Path(__file__).resolve(), benchmarks=True)
    draw(imports())
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()
