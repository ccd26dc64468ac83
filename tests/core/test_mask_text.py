"""A mask as text: it comes back bit for bit, and hostile text gives one clear error."""

import base64
import lzma
import tracemalloc
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import mask, seeds

from fia_core import FIAFileError, NeuronMask
from fia_core import mask_text as module
from fia_core.mask_text import embed_mask, may_embed, read_embedded_mask


def text_of(data: bytes) -> str:
    """Text that unpacks to ``data``."""
    return base64.b64encode(lzma.compress(data)).decode()


def assert_refused(text: str, complaint: str | None = None) -> None:
    with pytest.raises(FIAFileError, match=complaint) as caught:
        read_embedded_mask(text)
    message = str(caught.value)
    assert message.startswith("embedded: this is no neuron mask that can be used (")
    assert message.endswith("embed the mask again, or remove it and choose a file.")


@given(seed=seeds, share=st.floats(0, 1))
@settings(max_examples=20)
def test_a_mask_comes_back_bit_for_bit(seed: int, share: float) -> None:
    one = mask(seed=seed, share=share)
    assert read_embedded_mask(embed_mask(one)).to_bytes() == one.to_bytes()


def test_the_same_mask_gives_the_same_text() -> None:
    assert embed_mask(mask()) == embed_mask(mask())
    assert embed_mask(mask()) != embed_mask(mask(seed=1))


def test_the_structure_of_a_mask_makes_its_text_shorter() -> None:
    columns = torch.arange(640) % 16 < 2  # real masks hold many weights of few input channels
    generator = torch.Generator().manual_seed(0)
    layer = (torch.rand((160, 640), generator=generator) < 0.3) & columns
    one = replace(mask(), layers={"layer": layer})
    assert len(embed_mask(one)) < 0.9 * len(text_of(one.to_bytes()))


def test_a_mask_whose_text_could_not_be_read_back_is_not_embedded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 2**16)
    large = replace(mask(), layers={"layer": torch.zeros((1000, 1000), dtype=torch.bool)})
    with pytest.raises(ValueError, match=r"may unpack to 65,536 at most\. Share the mask's file"):
        embed_mask(large)


def test_text_wrapped_by_a_mail_program_is_read() -> None:
    text = embed_mask(mask())
    wrapped = "\r\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    assert read_embedded_mask(f"  {wrapped}\n").to_bytes() == mask().to_bytes()


def test_what_may_not_be_embedded_is_told_without_trying() -> None:
    assert may_embed(mask(seed=0))
    generator = torch.Generator().manual_seed(0)
    large = {"layer": torch.rand((1000, 13_000), generator=generator) < 0.5}  # a bit a weight
    one = NeuronMask(large, mask(seed=0).model, ("large",), {}, {})
    assert not may_embed(one)
    with pytest.raises(ValueError, match="Share the mask's file instead"):
        embed_mask(one)


def test_a_mask_that_is_too_long_is_not_packed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = 0

    class Compressor:
        def __init__(self) -> None:
            self.inner = lzma_compressor()

        def compress(self, data: bytes) -> bytes:
            nonlocal packed
            packed += len(data)
            return self.inner.compress(data)

    lzma_compressor = lzma.LZMACompressor
    monkeypatch.setattr(lzma, "LZMACompressor", Compressor)
    monkeypatch.setattr(module, "_BLOCK", 2**16)
    monkeypatch.setattr(module, "_MAX_COMPRESSED", 2**16)
    generator = torch.Generator().manual_seed(0)
    layer = torch.rand((1000, 7000), generator=generator) < 0.5
    words = (
        r"^mask: church takes about 9\d\d,\d{3} char.* at most 1,048,576 .*Share the mask's file"
    )
    with pytest.raises(ValueError, match=words):
        embed_mask(replace(mask(), layers={"layer": layer}))
    assert packed < 2**19  # of 875,000


def test_the_longest_text_that_is_written_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = embed_mask(mask())
    monkeypatch.setattr(module, "MAX_TEXT", len(text))
    assert read_embedded_mask(text).count == mask().count
    monkeypatch.setattr(module, "MAX_TEXT", len(text) - 1)
    assert_refused(
        text, f"it has {len(text):,} characters, more than the {len(text) - 1:,} allowed"
    )


@pytest.mark.parametrize("text", ["", " ", "church", "é" * 40, "====", "{}", "AAAA" * 100])
def test_text_that_is_none_is_refused(text: str) -> None:
    assert_refused(text)


def test_letters_that_base64_lacks_are_refused() -> None:
    text = embed_mask(mask())
    for more in ("-", "----", "*", "é"):
        assert_refused(text[:8] + more + text[8:])


def test_every_truncation_is_refused() -> None:
    text = embed_mask(mask())
    for length in (*range(0, len(text), 37), len(text) - 1, len(text) - 4):
        assert_refused(text[:length])


def test_no_more_is_unpacked_than_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 2**16)
    bomb = base64.b64encode(lzma.compress(bytes(2**24), preset=0)).decode()
    tracemalloc.start()
    assert_refused(bomb, "it unpacks to more than the 65,536 bytes allowed")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_what_the_tensors_of_a_text_unpack_to_is_limited_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = replace(mask(), layers={"layer": torch.zeros((1000, 1000), dtype=torch.bool)})
    text = text_of(one.to_bytes())  # deflated inside, 125,000 bytes in memory
    assert read_embedded_mask(text).count == 0
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 2**16)
    assert_refused(text, "it unpacks to more than the 65,536 bytes allowed")


def test_a_packer_that_wants_much_memory_is_refused() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}]
    greedy = lzma.compress(mask().to_bytes(), filters=filters)
    assert_refused(base64.b64encode(greedy).decode(), "[Mm]emory")


def test_what_stands_behind_the_end_is_refused() -> None:
    packed = base64.b64decode(embed_mask(mask()))
    for more in (b"more", packed):
        assert_refused(base64.b64encode(packed + more).decode(), "something after its end")


def test_other_packers_are_refused() -> None:
    data = mask().to_bytes()
    assert_refused(base64.b64encode(data).decode())
    alone = lzma.compress(data, format=lzma.FORMAT_ALONE)
    assert_refused(base64.b64encode(alone).decode())
