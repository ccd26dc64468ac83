"""The map of the repository: what it names exists, and the arrows run one way."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from draw_architecture import PLACES, imports  # noqa: E402

MAP = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")


def test_what_the_map_names_exists() -> None:
    paths = re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", MAP)
    assert len(paths) > 25
    assert [path for path in paths if not (ROOT / path).exists()] == []
    modules = {path.name for path in ROOT.glob("fia_core/**/*.py")}
    assert set(re.findall(r"`(\w+\.py)`", MAP)) <= modules | {"demo.py", "test.py"}


def test_every_room_is_drawn_and_explained() -> None:
    rooms = {
        path.parent.relative_to(ROOT).as_posix()
        for world in ("fia_core", "nodes")
        for path in (ROOT / world).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert rooms == set(PLACES)
    assert [room for room in rooms if f"| `{room}/`" not in MAP] == []


def test_arrows_run_down() -> None:
    arrows = imports()
    assert len(arrows) > 10
    assert [(a, b) for a, b in arrows if PLACES[a][1] <= PLACES[b][1]] == []
    assert not {a for a, _ in arrows} & {"fia_core/equations", "fia_core/files"}
    assert not [(a, b) for a, b in arrows if a.startswith("fia_core") and b.startswith("nodes")]
