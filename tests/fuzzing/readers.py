"""Every reader of a stranger's file or text, and what is done with the value before it is used."""

import hashlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import torch

from fia_core import ConceptProfile, FIAFileError, ModelIdentity, NeuronMask, SparseSensitivity
from fia_core.mask import MASK_SCHEMA
from fia_core.mask_text import embed_mask, read_embedded_mask
from fia_core.reports.card import mask_card
from fia_core.reports.inspection import inspect_mask
from fia_core.reports.inspection_report import inspection_text
from fuzzing.guard import Guard
from fuzzing.layout import content_of, parts, streams, with_content, with_streams

SHAPES = {"input_blocks.1.1.ff.net.2": (6, 24), "middle_block.1.ff.net.2": (5, 33)}
MODEL = ModelIdentity("SD15 (2 FFN2 layers)", "4f2a91c3")


def good_mask() -> NeuronMask:
    """A small mask with all that a provenance holds."""
    generator = torch.Generator().manual_seed(0)
    origin = {"concepts": ["church"], "settings": {"spatial_sparsity": 0.01}, "provenance": {}}
    return NeuronMask(
        {name: torch.rand(shape, generator=generator) < 0.4 for name, shape in SHAPES.items()},
        MODEL,
        ("church", "golf ball"),
        {"agnostic_ratio": 0.6, "granularity": "both"},
        {
            "masks": [origin, origin],
            "protect": [origin],
            "profile_settings": {"model_weights": 1000, "cfg": 7.5},
            "extension_version": "0.1.0",
        },
    )


def good_profile() -> ConceptProfile:
    """A small profile."""
    generator = torch.Generator().manual_seed(0)
    return ConceptProfile(
        concept="church",
        kind="object",
        concept_prompts=("a church in a park", "a church near a tree"),
        base_prompts=("a park", "a tree"),
        settings={"seed": 7, "cfg": 7.5, "sampler": "euler", "note": None},
        model=MODEL,
        layers={
            name: SparseSensitivity.from_dense(torch.randn(shape, generator=generator).relu())
            for name, shape in SHAPES.items()
        },
    )


def good_files(folder: Path) -> dict[str, tuple[bytes, ...]]:
    """Files to begin with, by reader; a mask's also as the first version stored it."""
    mask, profile = good_mask().to_bytes(), folder / "profile.safetensors"
    good_profile().save(profile)
    header, tensors = parts(mask)
    plain = {name: zlib.decompress(stream) for name, stream in streams(header, tensors).items()}
    content = content_of(mask) | {"version": MASK_SCHEMA.plain_version}
    masks = (mask, with_content(with_streams(header, plain), json.dumps(content)))
    return {
        "mask files": masks,
        "profile files": (profile.read_bytes(),),
        "embedded masks": masks,
    }


def use_mask(mask: NeuronMask) -> None:
    """What happens to a mask before any weight changes; written again it is the same."""
    mask_card(mask)
    inspection_text(inspect_mask(mask))
    data = mask.to_bytes()
    assert NeuronMask.from_bytes(data).to_bytes() == data
    assert read_embedded_mask(embed_mask(mask)).to_bytes() == data


def use_profile(profile: ConceptProfile) -> None:
    for layer in profile.layers.values():
        assert int(layer.dense().count_nonzero()) == layer.values.numel()


def read_mask(file: Path) -> None:
    use_mask(NeuronMask.load(file))


def read_profile(file: Path) -> None:
    use_profile(ConceptProfile.load(file))


def read_embedded(file: Path) -> None:
    use_mask(read_embedded_mask(file.read_text(encoding="utf-8", errors="surrogatepass")))


READERS: dict[str, Callable[[Path], None]] = {
    "mask files": read_mask,
    "profile files": read_profile,
    "embedded masks": read_embedded,
}


def refusal(read: Callable[[Path], None], file: Path, guard: Guard) -> str | None:
    """The reader's words, or None where it gave a value.

    Raises:
        GuardError: it did something that reading has no business with, or took too long.
        Exception: any error that is no FIAFileError, or has no words.
    """
    before = hashlib.sha256(file.read_bytes()).digest()
    words = None
    with guard.watching(file):
        try:
            read(file)
        except FIAFileError as error:
            words = str(error)
    assert words is None or len(words) > 20, "an error without words"
    assert hashlib.sha256(file.read_bytes()).digest() == before, "the file was changed"
    return words
