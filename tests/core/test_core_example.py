"""The worked example of the core runs as its docstring says, and finds what it is to find."""

import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "core_example.py"


def test_the_weights_found_matter_more_than_others() -> None:
    output = subprocess.run(
        [sys.executable, EXAMPLE], capture_output=True, text=True, check=True
    ).stdout
    lines = output.splitlines()
    assert re.fullmatch(r"\d+ of 4,096 weights pruned, \d+ kept", lines[0])
    for concept, line in zip(("church", "golf ball"), lines[1:], strict=True):
        left, by_chance = map(int, re.findall(r"(\d+)%", line))
        assert line.startswith(concept) and left < by_chance - 10
