"""The cache of profiles can be emptied, and nothing else goes with it."""

from pathlib import Path
from typing import Any


def test_all_profiles_go_and_are_counted(client: Any) -> None:
    folder = client.base / "user" / "__forget_it_all" / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for name in ("one", "two"):
        (folder / f"{name}.safetensors").write_bytes(b"profile")
    other = folder.parent / "notes.txt"
    other.write_text("mine")
    assert empty(client) == {"profiles": 2, "bytes": 14}
    assert empty(client) == {"profiles": 0, "bytes": 0}
    assert other.read_text() == "mine"
    assert list(Path(folder).iterdir()) == []


def empty(client: Any) -> dict[str, int]:
    status, answer = client.ask("POST", "/forget_it_all/empty_cache")
    assert status == 200
    return answer
