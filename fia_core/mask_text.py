"""A mask as text, so that it can travel inside a workflow and a picture's metadata.

The text is base64 of the mask's file (``mask.py``) compressed as xz. Reading it checks the same
fields as reading a file does, and never takes more room than the largest mask of a known model.
"""

import base64
import lzma

from .files.safetensors_file import FIAFileError
from .mask import NeuronMask

MAX_TEXT = 2**20
"""Most characters of an embedded mask. The page saves every open workflow into the browser's
storage, some 5 million characters in all, and fails where that is full."""

MAX_FILE_BYTES = 64 * 2**20
"""Most bytes that a text may unpack to, and then the tensors of its file: one bit for each of
SDXL's 410 million FFN2 weights takes 51 MB, and a hostile text must not unpack to more."""

_MAX_COMPRESSED = MAX_TEXT // 4 * 3
_MAX_DEFLATED = MAX_TEXT // 2 * 3
_MAX_DECODER_BYTES = 64 * 2**20  # what xz itself may use to unpack; 9 MB for what is written here
_BLOCK = 2**20  # bytes


def embed_mask(mask: NeuronMask) -> str:
    """The text form of ``mask``, at most ``MAX_TEXT`` characters; the same for the same mask.

    Raises:
        ValueError: the text would be longer, or unpack to more than may be read back; says how
            much, and what to do instead.
    """
    data = mask.to_bytes(plain=True)  # what is deflated already, xz makes no smaller
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(
            f"mask: {', '.join(mask.concepts)} takes {len(data):,} bytes, and an embedded mask may "
            f"unpack to {MAX_FILE_BYTES:,} at most. Share the mask's file instead."
        )
    compressor = lzma.LZMACompressor()
    compressed = bytearray()
    for end in range(_BLOCK, len(data) + _BLOCK, _BLOCK):
        compressed += compressor.compress(data[end - _BLOCK : end])
        _require_room(mask, len(compressed), min(end, len(data)), len(data))
    compressed += compressor.flush()
    _require_room(mask, len(compressed), len(data), len(data))
    return base64.b64encode(compressed).decode("ascii")


def may_embed(mask: NeuronMask) -> bool:
    """False where ``embed_mask`` would refuse ``mask``, as far as seen; in a tenth of its time.

    A mask's text took 0.7 to 1.7 of the bytes of its file, which is deflated.
    """
    return len(mask.to_bytes()) <= _MAX_DEFLATED


def read_embedded_mask(text: str) -> NeuronMask:
    """The mask of ``embed_mask``'s text; blanks and line breaks in it do not matter.

    Raises:
        FIAFileError: too long, cut off, damaged, or not a neuron mask of this version.
    """
    try:
        return NeuronMask.from_bytes(_unpack(text), MAX_FILE_BYTES)
    except (ValueError, lzma.LZMAError) as error:
        raise FIAFileError(
            f"embedded: this is no neuron mask that can be used ({error}); "
            "embed the mask again, or remove it and choose a file."
        ) from error


def _require_room(mask: NeuronMask, compressed: int, done: int, total: int) -> None:
    """Raise ValueError once more than fits came out of the first ``done`` of ``total`` bytes."""
    if compressed > _MAX_COMPRESSED:
        characters = compressed * total // done * 4 // 3
        raise ValueError(
            f"mask: {', '.join(mask.concepts)} takes about {characters:,} characters as text, and "
            f"at most {MAX_TEXT:,} may be embedded in a workflow. Share the mask's file instead."
        )


def _unpack(text: str) -> bytes:
    if len(text) > MAX_TEXT:
        raise ValueError(f"it has {len(text):,} characters, more than the {MAX_TEXT:,} allowed")
    compressed = base64.b64decode("".join(text.split()), validate=True)
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, _MAX_DECODER_BYTES)
    data = decompressor.decompress(compressed, MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"it unpacks to more than the {MAX_FILE_BYTES:,} bytes allowed")
    if not decompressor.eof:
        raise ValueError("it is cut off")
    if decompressor.unused_data:
        raise ValueError("there is something after its end")
    return data
