"""Ways to spoil a safetensors file: bytes, lengths, header, tensors, content, nesting, pickles.

A spoiler takes hypothesis's ``draw`` and a file's bytes, and gives other bytes.
"""

import gzip
import io
import json
import pickle
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from fuzzing.layout import (
    ENTRY,
    METADATA,
    content_of,
    joined,
    parts,
    streams,
    with_content,
    with_header,
    with_streams,
)

Draw = Callable[[st.SearchStrategy[Any]], Any]
Spoiler = Callable[[Draw, bytes], bytes]

BOMB_BYTES = 40 * 2**20  # a large model's mask has as many, so it is unpacked and then refused
PATHS = (
    "../../escaped",
    "..\\..\\escaped",
    "/etc/passwd",
    "C:\\escaped",
    "CON",
    "file:///etc/passwd",
    "zero\0.safetensors",
    "\ud800",
    "x" * 5000,
    ".",
    "",
)
DTYPES = ("U8", "F32", "BOOL", "I64", "F64", "F16", "BF16", "F8_E4M3", "u8", "OBJECT", "", None, 3)
HUGE = (2**31, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, 10**400)
DEPTHS = (10, 200, 400, 600, 800, 900, 980, 2_000, 100_000)

sizes = st.integers(-2, 300) | st.sampled_from(HUGE)
numbers = sizes | st.floats()
texts = st.text(max_size=8) | st.sampled_from(PATHS)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


class Marks:
    """Unpickled, it makes a file: the proof that a pickle was run."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return (Path.touch, (Path(self.path),))


def spoilers(mark: Path) -> tuple[Spoiler, ...]:
    """All of them. A pickle that is run makes the file ``mark``."""

    def pickled(draw: Draw, data: bytes) -> bytes:
        evil = pickle.dumps(Marks(str(mark)), draw(st.sampled_from((0, 2, 4))))
        form = draw(st.sampled_from(("plain", "zip", "before", "inside", "metadata")))
        if form == "zip":  # as torch.save writes it
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                archive.writestr("archive/data.pkl", evil)
            return packed.getvalue()
        if form == "inside":
            return data[: -len(evil)] + evil
        if form == "metadata":
            header, tensors = parts(data)
            header[METADATA] = {ENTRY: evil.decode("latin-1")}
            return joined(header, tensors)
        return evil + data if form == "before" else evil

    return (
        other_bytes,
        cut,
        other_tensor,
        other_stream,
        other_stream,
        other_content,
        other_content,  # where most of the checks are
        other_layer,
        other_layer,
        nested,
        pickled,
    )


def place(draw: Draw, data: bytes) -> int:
    """Somewhere in a file."""
    return draw(st.integers(0, max(0, len(data) - 1)))


def other_bytes(draw: Draw, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 20)) if data else 0):
        changed[place(draw, data)] = draw(st.integers(0, 255))
    return bytes(changed)


def cut(draw: Draw, data: bytes) -> bytes:
    return data[: place(draw, data)]


def other_tensor(draw: Draw, data: bytes) -> bytes:
    """A tensor's dtype, shape or place in the file."""
    header, tensors = parts(data)
    names = [name for name in header if isinstance(header[name], dict) and name != METADATA]
    if not names:
        return data
    entry = header[draw(st.sampled_from(names))]
    wrong = {
        "dtype": st.sampled_from(DTYPES),
        "shape": st.lists(sizes, max_size=4) | values,
        "data_offsets": st.lists(sizes, min_size=2, max_size=2) | values,
    }
    field = draw(st.sampled_from((*wrong, "more", "fewer")))
    if field == "more":
        entry["note"] = draw(values)
    elif field == "fewer":
        entry.pop(draw(st.sampled_from(tuple(wrong))), None)
    else:
        entry[field] = draw(wrong[field])
    return joined(header, tensors)


def other_stream(draw: Draw, data: bytes) -> bytes:
    """A tensor packed in another way, or another tensor packed in the same."""
    header, tensors = parts(data)
    contents = streams(header, tensors)
    if not contents:
        return data
    name = draw(st.sampled_from(sorted(contents)))
    stream = contents[name]
    try:
        plain = zlib.decompress(stream)
    except zlib.error:
        plain = stream
    changed = bytearray(plain)
    if changed:
        changed[place(draw, plain)] = draw(st.integers(0, 255))
    forms: dict[str, Callable[[], bytes]] = {
        "changed": lambda: zlib.compress(changed),
        "cut off": lambda: stream[: len(stream) // 2],
        "more after it": lambda: stream + b"more",
        "twice": lambda: zlib.compress(stream),
        "gzip": lambda: gzip.compress(plain),
        "longer": lambda: zlib.compress(plain + b"\0"),
        "shorter": lambda: zlib.compress(plain[:-1]),
        "nothing": bytes,
        "not packed": lambda: plain,
        "a bomb": bomb,
    }
    contents[name] = forms[draw(st.sampled_from(sorted(forms)))]()
    return with_streams(header, contents)


@cache
def bomb() -> bytes:
    """A few bytes that unpack to many."""
    return zlib.compress(bytes(BOMB_BYTES))


def other_content(draw: Draw, data: bytes) -> bytes:
    """Another value somewhere in the JSON content, a field more or a field less."""
    content = content_of(data)
    if not content:
        return data
    holder: Any = content
    while True:
        keys = sorted(holder) if isinstance(holder, dict) else range(len(holder))
        key = draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or not holder[key] or draw(st.booleans()):
            break
        holder = holder[key]
    change = draw(st.sampled_from(("value", "value", "more", "fewer")))
    if change == "fewer":
        del holder[key]
    elif change == "more" and isinstance(holder, dict):
        holder[draw(texts)] = draw(values)
    elif change == "more" and isinstance(holder, list):
        holder.append(draw(values))
    else:
        holder[key] = draw(values)
    return with_content(data, json.dumps(content))


def other_layer(draw: Draw, data: bytes) -> bytes:
    """A layer's name, shape or count, in the content and perhaps in its tensors' names too."""
    content = content_of(data)
    layers = content.get("layers")
    if not isinstance(layers, list) or not layers:
        return data
    layer = draw(st.sampled_from(layers))
    if not isinstance(layer, dict) or not layer:
        return data
    header, tensors = parts(data)
    field = draw(st.sampled_from(sorted(layer)))
    if field == "name" and isinstance(layer["name"], str):
        old, new = layer["name"], draw(texts)
        layer["name"] = new
        if draw(st.booleans()):
            header = {name.replace(old, new): entry for name, entry in header.items()}
    else:
        layer[field] = draw(sizes | st.lists(sizes, max_size=3) | values)
    return with_content(joined(header, tensors), json.dumps(content))


def nested(draw: Draw, data: bytes) -> bytes:
    """Lists or objects in each other, in the header or in the content's free fields."""
    depth = draw(st.sampled_from(DEPTHS))
    opening, closing = draw(st.sampled_from((("[", "]"), ('{"a":', "}"))))
    inner = opening * depth + "1" + closing * draw(st.sampled_from((depth, 0)))
    if draw(st.booleans()):
        return with_header(inner, parts(data)[1])
    content = content_of(data)
    if not content:
        return data
    field = draw(st.sampled_from(sorted(content)))
    content[field] = "HERE"
    text = json.dumps(content).replace('"HERE"', inner)
    if draw(st.booleans()):
        text = text.replace(inner, f'{{"profile_settings": {{"deep": {inner}}}}}')
    return with_content(data, text)
