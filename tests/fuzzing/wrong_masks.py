"""Mask files with one fault each, and what a reader says of it; ``spoilers.py`` has chance ones."""

import json
import zlib
from collections.abc import Callable
from typing import Any

from fia_core.files.safetensors_file import MAX_HEADER_BYTES
from fuzzing.layout import (
    ENTRY,
    METADATA,
    Header,
    content_of,
    joined,
    parts,
    streams,
    with_content,
    with_header,
    with_streams,
)
from fuzzing.readers import good_mask

Fault = Callable[[bytes], bytes]
DEEP = "[" * 100_000


def content(change: Callable[[dict[str, Any]], object]) -> Fault:
    """Another JSON content."""

    def spoil(data: bytes) -> bytes:
        changed = content_of(data)
        change(changed)
        return with_content(data, json.dumps(changed))

    return spoil


def header(change: Callable[[Header], object]) -> Fault:
    def spoil(data: bytes) -> bytes:
        changed, tensors = parts(data)
        change(changed)
        return joined(changed, tensors)

    return spoil


def stream(change: Callable[[bytes], bytes], number: int = 0) -> Fault:
    """Another tensor, the first or the one of this number, as it is stored."""

    def spoil(data: bytes) -> bytes:
        entries, tensors = parts(data)
        contents = streams(entries, tensors)
        name = list(contents)[number]
        return with_streams(entries, contents | {name: change(contents[name])})

    return spoil


def tensor(change: Callable[[bytes], bytes], number: int = 0) -> Fault:
    """Another tensor, well packed."""
    return stream(lambda packed: zlib.compress(change(zlib.decompress(packed))), number)


def header_text(text: str) -> Fault:
    return lambda data: with_header(text, parts(data)[1])


def content_text(text: str) -> Fault:
    return lambda data: with_content(data, text)


def header_length(length: int) -> Fault:
    """Of a file that is longer than any header may be."""
    return lambda data: length.to_bytes(8, "little") + data[8:] + bytes(MAX_HEADER_BYTES)


def renamed(entries: Header) -> None:
    entries["extra"] = entries.pop(tensor_name(entries))


def retyped(dtype: str) -> Fault:
    return header(lambda entries: entries[tensor_name(entries)].update(dtype=dtype))


def tensor_name(entries: Header) -> str:
    return next(name for name in entries if name != METADATA)


WRONG: list[tuple[Fault, str]] = [
    *((header_length(n), "its header of .* is too long") for n in (0, 2**63, 2**64 - 1)),
    (header_length(MAX_HEADER_BYTES + 1), "its header of .* is too long"),
    (lambda data: b"\3" + bytes(7) + b"{}", "its header of 3 bytes is too long, or cut off"),
    (lambda data: b"", "its header"),
    (lambda data: b"church", "its header"),
    (lambda data: data[:-1], ""),
    (lambda data: data + b"\0", ""),
    *((header_text(text), "") for text in (DEEP, "[]", "null", '{"__metadata__": 1}', "{")),
    (header(lambda entries: entries.update(extra=3)), "tensors: 'extra' is not of dtype U8"),
    (header(lambda entries: entries.pop(METADATA)), "metadata: "),
    (header(lambda entries: entries.update({METADATA: {"note": "x"}})), "metadata: "),
    (header(lambda entries: entries[METADATA].update(note="x")), "metadata: "),
    (header(lambda entries: entries.update({METADATA: {ENTRY: "{}"}})), "its schema is None"),
    (header(renamed), r"tensors: unknown \['extra'\], missing \['"),
    *((retyped(dtype), "is not of dtype U8") for dtype in ("I8", "I64", "F8_E5M2", "F32")),
    *((content_text(text), "") for text in ("", "{", DEEP, "null", "1e999")),
    (content_text('{"a": 1, "a": 2}'), "a field comes twice"),  # readers might take either
    (content(lambda c: c.update(schema="fia.other")), "its schema is 'fia.other'"),
    (content(lambda c: c.update(version=3)), "version 3, not"),
    (content(lambda c: c.update(version=True)), "version True, not"),
    (content(lambda c: c.update(version="1")), "version '1', not"),
    (content(lambda c: c.pop("model")), "content: has the fields"),
    (content(lambda c: c.update(note=1)), "content: has the fields"),
    (content(lambda c: c.update(concepts="church")), "content.concepts: is str, not list"),
    (content(lambda c: c.update(concepts=[])), "concepts: is "),
    (content(lambda c: c.update(concepts=[3])), "concepts: has 3"),
    (content(lambda c: c["settings"].update(r=[1])), r"settings: r is \[1\]"),
    (content(lambda c: c["settings"].update(r=float("nan"))), "NaN is no JSON number"),
    (content(lambda c: c["model"].update(note="")), "model: has the fields"),
    (content(lambda c: c["model"].update(architecture="")), "architecture: is ''"),
    (content(lambda c: c["model"].update(fingerprint=7)), "model.fingerprint: is int"),
    (content(lambda c: c["layers"].clear()), "tensors: unknown"),
    (content(lambda c: c["layers"].append(c["layers"][0])), "twice"),
    (content(lambda c: c["layers"].insert(0, 3)), "layers: is int, not an object"),
    (content(lambda c: c["layers"][0].update(name="other")), "tensors: unknown"),
    (content(lambda c: c["layers"][0].update(pruned=True)), "pruned: is bool, not int"),
    (content(lambda c: c["layers"][0].update(pruned=0)), "has pruned 0, its tensor"),
    (content(lambda c: c["layers"][0].update(shape=[6])), "has shape"),
    (content(lambda c: c["layers"][0].update(shape=[6, -4])), "has shape"),
    (content(lambda c: c["layers"][0].update(shape=[6.0, 24])), "has shape"),
    (content(lambda c: c["layers"][0].update(shape=[6, 10**30])), "packed: is"),
    (stream(lambda packed: packed[:-1]), "it is cut off, or there is something after"),
    (stream(lambda packed: packed + packed), "it is cut off, or there is something after"),
    (stream(lambda packed: bytes(255 - byte for byte in packed)), "it does not unpack: "),
    (stream(lambda packed: b""), "it is cut off"),
    (tensor(lambda bits: bits[:-1]), r"packed: is .* \(17,\)"),
    (tensor(lambda bits: bytes(255 - byte for byte in bits)), "has pruned"),
    (tensor(lambda bits: bits[:-1] + b"\xff", number=1), "has a bit set beyond its 165 entries"),
]
"""Each fault and what the error has, a regular expression."""


def wrong_masks() -> list[tuple[bytes, str]]:
    """The bytes of each file and what the error has."""
    good = good_mask().to_bytes()
    return [(spoil(good), complaint) for spoil, complaint in WRONG]
