"""Files of the two values that travel: safetensors, written whole or not at all, read with care.

Each file's metadata has exactly one entry, ``forget_it_all``: a JSON object with ``schema`` (its
name), ``version`` (a whole number) and the fields that ``mask.py`` and ``profile.py`` list. One
entry, because safetensors writes several in a different order each time, and the same value is to
give the same bytes. Each tensor is uint8, the zlib stream (``compression.py``) of one that
``mask.py`` and ``profile.py`` list. Nothing is ever unpickled, and nothing is read before the size
is known to be reasonable.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from .compression import deflate, inflate

MAX_HEADER_BYTES = 16 * 2**20
TEMPORARY = ".fia-"
"""How the names of files begin that are only there until another is written."""

_LENGTH_BYTES = 8
_ENTRY = "forget_it_all"
_DTYPE = "U8"

Value = TypeVar("Value")
FilePath = str | os.PathLike[str]
Build = Callable[[Mapping[str, Any], Mapping[str, Tensor]], Value]
"""Makes a value of the JSON object (without ``schema`` and ``version``) and the tensors."""


class FIAFileError(ValueError):
    """A file that cannot be read or written; says which, why, and what to do."""


@dataclass(frozen=True)
class FileSchema:
    """Name, version and limits of a kind of file.

    Args:
        name: the schema's name in the file, such as "fia.neuron_mask".
        version: the one that is written.
        max_bytes: a larger file is refused unread, and one whose tensors unpack to more, too.
        title: what people call it, such as "neuron mask".
        plain_version: an older one that is read, whose tensors are stored as they are.
        runs_only: how tensors are deflated, see ``deflate``.
    """

    name: str
    version: int
    max_bytes: int
    title: str
    plain_version: int | None = None
    runs_only: bool = False


def file_bytes(
    schema: FileSchema, content: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> bytes:
    """The bytes of one file.

    Args:
        schema: what is written; the plain version is not deflated.
        content: the JSON object, without ``schema`` and ``version``.
        tensors: uint8, contiguous, on the CPU.

    Raises:
        ValueError: ``content`` is no JSON, or too long.
    """
    identified = {"schema": schema.name, "version": schema.version, **content}
    text = json.dumps(identified, allow_nan=False)
    if len(text) > MAX_HEADER_BYTES // 2:
        raise ValueError(
            f"content: has {len(text):,} characters, at most {MAX_HEADER_BYTES // 2:,} fit; "
            "shorten the prompts, settings or provenance."
        )
    if schema.version != schema.plain_version:
        with ThreadPoolExecutor() as pool:  # zlib lets other threads run
            streams = pool.map(lambda tensor: deflate(tensor, schema.runs_only), tensors.values())
            tensors = dict(zip(tensors, streams, strict=True))
    return safetensors.torch.save(dict(tensors), {_ENTRY: text})


def write_file(path: FilePath, schema: FileSchema, data: bytes) -> None:
    """Write one file atomically: the path holds the whole new file or what it held before.

    Args:
        path: the file; its folder must exist.
        schema: what is written.
        data: from ``file_bytes``.

    Raises:
        FIAFileError: the file cannot be written.
    """
    target = Path(path)
    try:
        with whole_file(target) as temporary, open(temporary, "xb") as file:
            file.write(data)
    except OSError as error:
        raise FIAFileError(
            f"{target}: this {schema.title} cannot be written ({error.strerror}); "
            "choose a file name in a folder that exists, with room and the right to write."
        ) from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A place to write; it becomes ``path`` when the block ends without an error.

    Raises:
        OSError: it cannot be written or moved.
    """
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(OSError):  # it has been moved, or was never made
            temporary.unlink()


def read_bytes(data: bytes, schema: FileSchema, build: Build[Value]) -> Value:
    """The value of a file's bytes.

    Args:
        data: what ``file_bytes`` gives, or anything else.
        schema: what it must be.
        build: makes the value; its ValueError is a fault of the bytes.

    Raises:
        ValueError: damaged, another schema or version, or a field that is missing, unknown or
            wrong.
    """
    try:
        header = _header(data)
        version, content = _content(header.pop("__metadata__", None), schema)
        _require_dtypes(header)
        tensors = safetensors.torch.load(data)
        if version != schema.plain_version:
            tensors = _inflated(tensors, schema)
        return build(content, tensors)
    except (SafetensorError, RecursionError) as error:
        raise ValueError(str(error)) from error


def read_file(
    path: FilePath, schema: FileSchema, build: Build[Value], name: str | None = None
) -> Value:
    """Read one file and build its value, or raise one error that names the file and the mend.

    Args:
        path: the file.
        schema: what it must be.
        build: makes the value; its ValueError is a fault of the file.
        name: what to call the file in an error; its path where None.

    Raises:
        FIAFileError: missing, no plain file, too large, damaged, another schema or version, or a
            field that is missing, unknown or wrong.
    """
    target = Path(path)
    try:
        return read_bytes(_load(target, schema), schema, build)
    except (OSError, ValueError) as error:
        raise FIAFileError(
            f"{name or target}: this is no {schema.title} that can be used ({error}); "
            f"choose a {schema.title} file that this extension saved, or make it again."
        ) from error


def fields(name: str, record: Any, kinds: Mapping[str, type]) -> dict[str, Any]:
    """``record``, once it is known to be a JSON object with exactly these fields and types.

    Raises:
        ValueError: no object, a field missing, unknown or of another type.
    """
    if not isinstance(record, dict):
        raise ValueError(f"{name}: is {type(record).__name__}, not an object")
    if record.keys() != kinds.keys():
        raise ValueError(f"{name}: has the fields {sorted(record)}, not {sorted(kinds)}")
    for field, kind in kinds.items():
        if type(record[field]) is not kind:
            found = type(record[field]).__name__
            raise ValueError(f"{name}.{field}: is {found}, not {kind.__name__}")
    return record


def require_names(tensors: Mapping[str, Tensor], expected: Sequence[str]) -> None:
    """Raise ValueError unless the file holds exactly the ``expected`` tensors."""
    if tensors.keys() != set(expected):
        unknown = sorted(tensors.keys() - set(expected))
        missing = sorted(set(expected) - tensors.keys())
        raise ValueError(f"tensors: unknown {unknown[:3]}, missing {missing[:3]}")


def _load(path: Path, schema: FileSchema) -> bytes:
    if not path.is_file():
        raise ValueError("there is no such file" if not path.exists() else "it is no plain file")
    size = path.stat().st_size
    if size > schema.max_bytes:
        raise ValueError(f"it has {size:,} bytes, more than the {schema.max_bytes:,} allowed")
    return path.read_bytes()


def _header(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if not 0 < length <= min(MAX_HEADER_BYTES, len(data) - _LENGTH_BYTES):
        raise ValueError(f"its header of {length:,} bytes is too long, or cut off")
    header = _parse(data[_LENGTH_BYTES : _LENGTH_BYTES + length])
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    return header


def _content(metadata: Any, schema: FileSchema) -> tuple[int, Mapping[str, Any]]:
    """The file's version, and its other fields."""
    content = _parse(fields("metadata", metadata, {_ENTRY: str})[_ENTRY])
    if not isinstance(content, dict):
        raise ValueError(f"its content is {type(content).__name__}, not an object")
    name, version = content.pop("schema", None), content.pop("version", None)
    known = (schema.version, schema.plain_version)
    if name != schema.name or type(version) is not int or version not in known:
        raise ValueError(
            f"its schema is {name!r} version {version!r}, not {schema.name!r} version "
            f"{schema.version}"
        )
    return version, content


def _require_dtypes(tensors: Mapping[str, Any]) -> None:
    for name, tensor in tensors.items():
        if not isinstance(tensor, dict) or tensor.get("dtype") != _DTYPE:
            raise ValueError(f"tensors: {name!r} is not of dtype {_DTYPE}")


def _inflated(streams: Mapping[str, Tensor], schema: FileSchema) -> dict[str, Tensor]:
    """Every tensor unpacked, all together within what the schema allows."""
    left = schema.max_bytes
    tensors = {}
    for name, stream in streams.items():
        try:
            tensors[name] = inflate(stream, left)
        except ValueError as error:
            raise ValueError(f"tensors: {name!r}: {error}") from error
        left -= tensors[name].numel()
    return tensors


def _parse(text: str | bytes) -> Any:
    return json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse_constant)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a field comes twice")
    return record


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no JSON number")
