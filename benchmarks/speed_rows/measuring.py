"""Seconds and bytes of a piece of work."""

import ctypes
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes, all of it done on the GPU, too.

    On a CPU by the thread's own seconds: what else runs on the machine changes them little.
    """
    clock = time.perf_counter if torch.cuda.is_available() else time.process_time
    _synchronise()
    start = clock()
    work()
    _synchronise()
    return clock() - start


def ratios(
    first: Callable[[], Any],
    second: Callable[[], Any],
    rounds: int,
    measured: Callable[[Callable[[], Any]], float] = seconds,
) -> list[float]:
    """Seconds of ``first`` over those of ``second``, in turn, each first in every other round.

    Both run once before. ``measured`` gives the seconds of one of them.
    """
    works = (first, second)
    for work in works:
        work()
    found = []
    for number in range(rounds):
        times = [0.0, 0.0]
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            times[which] = measured(works[which])
        found.append(times[0] / times[1])
    return found


def peak_memory(work: Callable[[], object]) -> dict[str, int]:
    """Most bytes in use during ``work``, what was in use before among them.

    By place: "RAM" of the process, which needs Linux and glibc, and "GPU" where there is one.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before must not hide what is taken now
    Path("/proc/self/clear_refs").write_text("5")
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    work()
    status = Path("/proc/self/status").read_text().partition("VmHWM:")[2]
    gpu = {"GPU": torch.cuda.max_memory_allocated()} if torch.cuda.is_available() else {}
    return {"RAM": int(status.split()[0]) * 1024, **gpu}


def _synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
