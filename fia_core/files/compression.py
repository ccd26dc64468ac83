"""Tensors as few bytes: those of equal weight side by side, then as one zlib stream (RFC 1950)."""

import zlib

import numpy as np
import torch
from torch import Tensor


def deflate(data: Tensor, runs_only: bool = False) -> Tensor:
    """``data``, contiguous uint8 on the CPU, as a zlib stream, uint8 (bytes,).

    Args:
        data: what to pack.
        runs_only: look for runs of one byte only, which is several times as fast and as good where
            bits and values lie anywhere. Otherwise the shorter of this and the usual way, which is
            better where bits repeat, as in masks that lie in few channels.
    """
    ways = (zlib.Z_RLE,) if runs_only else (zlib.Z_DEFAULT_STRATEGY, zlib.Z_RLE)
    return _bytes(min((_compressed(data, way) for way in ways), key=len))


def inflate(stream: Tensor, most: int) -> Tensor:
    """The bytes that ``deflate`` made ``stream`` of, uint8 (bytes,); never more than ``most``.

    Raises:
        ValueError: no zlib stream, cut off, something after its end, or more than ``most`` bytes.
    """
    decompressor = zlib.decompressobj()
    try:
        data = decompressor.decompress(stream.numpy().data, most + 1)
    except zlib.error as error:
        raise ValueError(f"it does not unpack: {error}") from error
    if len(data) > most:
        raise ValueError(f"it unpacks to more than the {most:,} bytes allowed")
    if not decompressor.eof or decompressor.unused_data:
        raise ValueError("it is cut off, or there is something after its end")
    return _bytes(data)


def byte_planes(values: Tensor) -> Tensor:
    """float32 (n,) on the CPU as uint8 (4 n,): the lowest byte of every value, then the next ones.

    Highest bytes (sign and exponent) take few values, lowest ones any: apart, they deflate better.
    """
    planes = values.numpy().astype("<f4").view(np.uint8).reshape(-1, 4).T
    return torch.from_numpy(planes.flatten())


def from_byte_planes(planes: Tensor) -> Tensor:
    """The float32 values (n,) that ``byte_planes`` took apart.

    Raises:
        ValueError: ``planes`` is not uint8 (4 n,).
    """
    if planes.dtype != torch.uint8 or planes.dim() != 1 or len(planes) % 4:
        raise ValueError(
            f"planes: is {planes.dtype} of shape {tuple(planes.shape)}; "
            "give uint8 of four bytes a value."
        )
    values = np.ascontiguousarray(planes.numpy().reshape(4, -1).T).view("<f4").reshape(-1)
    return torch.from_numpy(values.astype(np.float32))


def _compressed(data: Tensor, strategy: int) -> bytes:
    compressor = zlib.compressobj(strategy=strategy)
    return compressor.compress(data.numpy().data) + compressor.flush()


def _bytes(data: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(bytearray(data), np.uint8))
