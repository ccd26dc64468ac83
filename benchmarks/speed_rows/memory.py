"""Extra memory of profiling, whatever the number of prompts and steps."""

from collections.abc import Iterator
from functools import partial

from .figures import Figure
from .measuring import peak_memory
from .models import Model, sd15, sdxl
from .requests import CONCEPTS, all_prompts, profile, request_for, sample

SIZES = ((2, 1), (4, 1), (2, 3))
"""(contexts, steps) of the runs."""

CHUNK = 2
"""Prompts a denoiser call: with two contexts all of a concept's come at once."""


def of_sd15(rounds: int) -> Iterator[Figure]:
    """At SD 1.5's true size."""
    yield from _extra(sd15(), "SD 1.5 size, float32", SIZES)


def of_sdxl(rounds: int) -> Iterator[Figure]:
    """At SDXL's true size, its weights in half precision."""
    yield from _extra(sdxl(), "SDXL size, float16 computed in float32", SIZES[:2])


def _extra(model: Model, words: str, sizes: tuple[tuple[int, int], ...]) -> Iterator[Figure]:
    """Peak of a profile run beyond the peak of plain sampling in the same chunks, in GB."""
    for contexts, steps in sizes:
        request = request_for(CONCEPTS[:1], contexts, steps, 64, CHUNK)
        prompts = all_prompts(request)
        sample(model, prompts[:CHUNK], request)
        plain = peak_memory(partial(sample, model, prompts, request))
        profiled = peak_memory(partial(profile, model, request))
        size = f"{contexts} + {contexts} prompts, {CHUNK} a denoiser call, {steps} steps, 64 px"
        for place, most in profiled.items():
            title, extra = f"extra memory of profiling, {place}", most - plain[place]
            yield Figure(title, [extra / 1e9], "GB", conditions=f"{words}, {size}")
