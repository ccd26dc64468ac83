"""A safetensors file taken apart and put together, whether or not it makes sense."""

import json
from typing import Any

Header = dict[str, Any]

LENGTH_BYTES = 8
METADATA = "__metadata__"
ENTRY = "forget_it_all"


def parts(data: bytes) -> tuple[Header, bytes]:
    """Header and tensors of a file that may be spoilt already."""
    end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
    try:
        header = json.loads(data[LENGTH_BYTES:end])
    except (ValueError, RecursionError):
        header = None
    return (header if isinstance(header, dict) else {}), data[end:]


def joined(header: Header, tensors: bytes) -> bytes:
    """The file of a header, whether or not it makes sense."""
    return with_header(json.dumps(header), tensors)


def with_header(text: str, tensors: bytes) -> bytes:
    encoded = text.encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(LENGTH_BYTES, "little") + encoded + tensors


def with_content(data: bytes, text: str) -> bytes:
    """The file with another text in its metadata's entry."""
    header, tensors = parts(data)
    header[METADATA] = {ENTRY: text}
    return joined(header, tensors)


def content_of(data: bytes) -> dict[str, Any]:
    header, _ = parts(data)
    try:
        content = json.loads(header[METADATA][ENTRY])
    except (KeyError, TypeError, ValueError, RecursionError):
        content = None
    return content if isinstance(content, dict) else {}


def streams(header: Header, tensors: bytes) -> dict[str, bytes]:
    """The bytes of every tensor whose entry is whole, in the file's order."""
    found = {}
    for name, entry in header.items():
        offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
        if isinstance(offsets, list) and len(offsets) == 2 and all(type(o) is int for o in offsets):
            found[name] = tensors[max(0, offsets[0]) : max(0, offsets[1])]
    return dict(sorted(found.items(), key=lambda item: header[item[0]]["data_offsets"]))


def with_streams(header: Header, contents: dict[str, bytes]) -> bytes:
    """The file of these tensors, one after the other, with what else the header holds."""
    end = 0
    header = dict(header)
    for name, content in contents.items():
        place = {"shape": [len(content)], "data_offsets": [end, end + len(content)]}
        header[name] = header[name] | place
        end += len(content)
    return joined(header, b"".join(contents.values()))
