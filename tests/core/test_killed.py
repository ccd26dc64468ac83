"""A process killed while it writes: files are whole or absent."""

import multiprocessing
import os
import time
from itertools import count
from pathlib import Path

import pytest

from fia_core.files.safetensors_file import write_file
from fia_core.mask import MASK_SCHEMA

KILLS, MOST_KILLS = 12, 120  # a busy machine may write little
SIZE = 4 * 2**20  # bytes; large enough that a kill falls into the writing


def write_for_ever(folder: Path, data: bytes) -> None:
    """Three files again and again, until the process is killed."""
    for number in count():
        write_file(folder / f"{number % 3}.safetensors", MASK_SCHEMA, data)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
def test_a_process_killed_while_it_writes_leaves_whole_files(tmp_path: Path) -> None:
    data = os.urandom(SIZE)
    forked = multiprocessing.get_context("fork")
    for kill in range(MOST_KILLS):
        writer = forked.Process(target=write_for_ever, args=(tmp_path, data), daemon=True)
        writer.start()
        time.sleep(0.05 + 0.013 * (kill % KILLS))
        writer.kill()
        writer.join()
        for file in tmp_path.glob("*.safetensors"):
            assert file.read_bytes() == data
        if kill >= KILLS and list(tmp_path.glob(".*.tmp")):
            break
    assert list(tmp_path.glob("*.safetensors"))
    assert list(tmp_path.glob(".*.tmp")), "no kill fell into a write"
