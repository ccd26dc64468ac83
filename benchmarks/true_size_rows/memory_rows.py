"""Extra memory of profiling, whatever the number of prompts and steps.

What is in use is the same work in a process that returns what it frees (``names.RETURNED``).
"""

from .bench import Bench, gigabytes
from .figures import Figure
from .measuring import peak_memory
from .models import Model, sdxl
from .sampling import all_prompts, profile, profile_request, sample
from .settings import CONCEPTS

SIZES = ((2, 1), (4, 1), (2, 3))
"""(contexts, steps) of the runs."""

CHUNK = 2
"""Prompts a denoiser call: with two contexts all of a concept's come at once."""

SD15_WORDS, SD15_GOAL = "SD 1.5 size, float32", 0.8
SDXL_WORDS, SDXL_GOAL = "SDXL size, float16 computed in float32", 4.0
HELD, IN_USE = "extra memory of profiling", "extra memory of profiling, in use"


def sd15_memory(bench: Bench) -> list[Figure]:
    """At SD 1.5's true size."""
    return _extra(bench, bench.sd15, HELD, SD15_WORDS, SD15_GOAL, SIZES)


def sdxl_memory(bench: Bench) -> list[Figure]:
    """At SDXL's true size, its weights in half precision."""
    return _extra(bench, sdxl(), HELD, SDXL_WORDS, SDXL_GOAL, SIZES[:1])


def sd15_memory_in_use(bench: Bench) -> list[Figure]:
    """At SD 1.5's true size."""
    return _extra(bench, bench.sd15, IN_USE, SD15_WORDS, SD15_GOAL, SIZES)


def sdxl_memory_in_use(bench: Bench) -> list[Figure]:
    """At SDXL's true size, its weights in half precision."""
    return _extra(bench, sdxl(), IN_USE, SDXL_WORDS, SDXL_GOAL, SIZES[:2])


def _extra(
    bench: Bench,
    model: Model,
    title: str,
    words: str,
    goal: float,
    sizes: tuple[tuple[int, int], ...],
) -> list[Figure]:
    """Peak of a profile run beyond the peak of plain sampling in the same chunks."""
    figures = []
    extension = bench.extension
    for contexts, steps in sizes:
        request = profile_request(extension, CONCEPTS[:1], contexts, steps, 64, chunk=CHUNK)
        prompts = all_prompts(request)
        sample(extension, model, prompts[:CHUNK], request, 1)
        with peak_memory() as plain:
            sample(extension, model, prompts, request, steps)
        with peak_memory() as profiled:
            profile(extension, model, request)
        size = f"{contexts} + {contexts} prompts, {CHUNK} a denoiser call, {steps} steps, 64 px"
        places = {"RAM": profiled.ram - plain.ram, "GPU": profiled.gpu - plain.gpu}
        figures += [
            bench.figure(
                f"{title}, {place}",
                [gigabytes(extra)],
                "GB",
                goal=goal,
                conditions=f"{words}, {size}",
            )
            for place, extra in places.items()
            if profiled.gpu or place == "RAM"
        ]
    return figures
