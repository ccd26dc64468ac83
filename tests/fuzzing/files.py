"""Hostile files and texts, made of good ones by up to three spoilers, one after the other."""

import base64
import lzma
import zlib
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck
from hypothesis import strategies as st

from fuzzing.spoilers import Draw, spoilers

BLOCK, DICTIONARY_SIZE = 12, 16  # where xz has its first block's header, and this size in it
BOMB_BYTES = 100 * 2**20
MOST_SPOILERS = 3
OWN = 8  # times as often as another reader's


@st.composite
def hostile_files(draw: Draw, good: tuple[bytes, ...], mark: Path) -> bytes:
    """Bytes of a file that is spoilt, or seldom still good.

    Args:
        draw: hypothesis's.
        good: files to begin with.
        mark: a pickle that is run makes this file.
    """
    data = draw(st.sampled_from(good))
    for spoil in draw(
        st.lists(st.sampled_from(spoilers(mark)), min_size=1, max_size=MOST_SPOILERS)
    ):
        data = spoil(draw, data)
    return data


@st.composite
def hostile_texts(draw: Draw, good: tuple[bytes, ...], mark: Path) -> str:
    """Text of an embedded mask whose file, packing or letters are spoilt."""
    data = draw(hostile_files(good, mark) | st.sampled_from(good))
    packed = draw(st.sampled_from((plain, plain, greedy, spoilt_packing)))(draw, data)
    if draw(st.integers(0, 200)) == 0:
        packed = bomb()
    text = base64.b64encode(packed).decode()
    return draw(st.sampled_from((unchanged, letters, shortened)))(draw, text)


def plain(draw: Draw, data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


def greedy(draw: Draw, data: bytes) -> bytes:
    """A stream that says it needs another size of memory to be unpacked, up to 4 GB."""
    packed = bytearray(plain(draw, data))
    end = BLOCK + (packed[BLOCK] + 1) * 4
    packed[DICTIONARY_SIZE] = draw(st.integers(0, 40))
    packed[end - 4 : end] = zlib.crc32(packed[BLOCK : end - 4]).to_bytes(4, "little")
    return bytes(packed)


def spoilt_packing(draw: Draw, data: bytes) -> bytes:
    packed = bytearray(plain(draw, data))
    packed[draw(st.integers(0, len(packed) - 1))] = draw(st.integers(0, 255))
    return bytes(packed)


@cache
def bomb() -> bytes:
    """A few bytes that unpack to many."""
    return lzma.compress(bytes(BOMB_BYTES), preset=0)


def unchanged(draw: Draw, text: str) -> str:
    return text


def letters(draw: Draw, text: str) -> str:
    changed = list(text or " ")
    for _ in range(draw(st.integers(1, 4))):
        changed[draw(st.integers(0, len(changed) - 1))] = draw(st.characters())
    return "".join(changed)


def shortened(draw: Draw, text: str) -> str:
    return text[: draw(st.integers(0, max(0, len(text) - 1)))]


def hostile(title: str, good: dict[str, tuple[bytes, ...]], mark: Path) -> st.SearchStrategy[bytes]:
    """What the reader called ``title`` may be given, as a file's bytes; seldom another kind's."""
    others = tuple(file for files in good.values() for file in files)
    files = good[title] * OWN + others
    if title == "embedded masks":
        return hostile_texts(files, mark).map(lambda text: text.encode("utf-8", "surrogatepass"))
    return hostile_files(files, mark)


ANY_SIZE = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
"""What hypothesis would complain of."""
