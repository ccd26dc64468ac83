"""Bytes and floats come back as they were, and nothing unpacks to more than is allowed."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from samples import normal, seeds

from fia_core.files.compression import byte_planes, deflate, from_byte_planes, inflate


@given(st.binary(max_size=300))
def test_bytes_round_trip(data: bytes) -> None:
    tensor = torch.tensor(list(data), dtype=torch.uint8)
    assert torch.equal(inflate(deflate(tensor), len(data)), tensor)
    if data:
        with pytest.raises(ValueError, match=f"more than the {len(data) - 1} bytes allowed"):
            inflate(deflate(tensor), len(data) - 1)


@given(seeds, st.integers(0, 40))
def test_floats_round_trip_bit_for_bit(seed: int, count: int) -> None:
    values = normal(seed, count).exp()
    assert torch.equal(from_byte_planes(byte_planes(values)), values)


def test_planes_hold_the_lowest_bytes_first() -> None:
    values = torch.tensor([0x3F800001, 0x3F800102], dtype=torch.int32).view(torch.float32)
    assert byte_planes(values).tolist() == [1, 2, 0, 1, 0x80, 0x80, 0x3F, 0x3F]


@pytest.mark.parametrize(
    "planes",
    [torch.zeros(6, dtype=torch.uint8), torch.zeros(2, 4, dtype=torch.uint8), normal(0, 4)],
)
def test_what_is_no_four_planes_is_refused(planes: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"^planes: is torch\."):
        from_byte_planes(planes)
