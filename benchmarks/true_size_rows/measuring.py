"""Seconds and bytes of a piece of work."""

import ctypes
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """How long ``work`` takes, all of it done on the GPU, too.

    One thread on a CPU is timed by its own seconds: what else runs on the machine changes them
    little.
    """
    alone = torch.get_num_threads() == 1 and not torch.cuda.is_available()
    clock = time.process_time if alone else time.perf_counter
    _synchronise()
    start = clock()
    work()
    _synchronise()
    return clock() - start


@dataclass(frozen=True)
class Paired:
    """Seconds of two pieces of work that ran in turn."""

    first: tuple[float, ...]
    second: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Times of the second as multiples of the first's beside it."""
        return tuple(b / a for a, b in zip(self.first, self.second, strict=True))


def repeated(work: Callable[[int], object], rounds: int) -> list[float]:
    """Seconds of every round of ``work``, which is told the round's number, from 1 on."""
    return [seconds(partial(work, number)) for number in range(1, rounds + 1)]


def interleaved(
    first: Callable[[], Any],
    second: Callable[[], Any],
    rounds: int,
    warm_up: bool = True,
    measured: Callable[[Callable[[], Any]], float] = seconds,
) -> Paired:
    """``first`` and ``second`` in turn, each of them first in every other round.

    Args:
        warm_up: each runs once before.
        measured: the seconds of one of them.
    """
    if warm_up:
        first()
        second()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        for which in order:
            times[which].append(measured((first, second)[which]))
    return Paired(tuple(times[0]), tuple(times[1]))


@dataclass
class Peak:
    """Most bytes in use inside ``peak_memory``: the process's, and the GPU's where there is one."""

    ram: int = 0
    gpu: int = 0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measure the peak from here on, which includes what is in use already; needs Linux, glibc."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before must not hide what is taken now
    Path("/proc/self/clear_refs").write_text("5")
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    peak = Peak()
    yield peak
    peak.ram = _status("VmHWM")
    if torch.cuda.is_available():
        peak.gpu = torch.cuda.max_memory_allocated()


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")


def _synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
