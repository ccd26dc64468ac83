"""Extra memory of profiling, whatever the number of prompts and steps.

What is in use is the same work in a process that returns what it frees (``settings.RETURNED``).
"""

from collections.abc import Iterator

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


def sd15_held(bench: Bench, words: str = "") -> Iterator[Figure]:
    """At SD 1.5's true size."""
    yield from _extra(bench, bench.sd15, words, "SD 1.5 size, float32", 0.8, SIZES)


def sd15_in_use(bench: Bench) -> Iterator[Figure]:
    """At SD 1.5's true size."""
    yield from sd15_held(bench, ", in use")


def sdxl_held(bench: Bench, words: str = "", sizes: int = 1) -> Iterator[Figure]:
    """At SDXL's true size, its weights in half precision."""
    model = "SDXL size, float16 computed in float32"
    yield from _extra(bench, sdxl(), words, model, 4.0, SIZES[:sizes])


def sdxl_in_use(bench: Bench) -> Iterator[Figure]:
    """At SDXL's true size, its weights in half precision."""
    yield from sdxl_held(bench, ", in use", sizes=2)


def _extra(
    bench: Bench,
    model: Model,
    words: str,
    model_words: str,
    goal: float,
    sizes: tuple[tuple[int, int], ...],
) -> Iterator[Figure]:
    """Peak of a profile run beyond the peak of plain sampling in the same chunks."""
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
        for place, extra in places.items():
            if profiled.gpu or place == "RAM":
                yield Figure(
                    f"extra memory of profiling{words}, {place}",
                    [gigabytes(extra)],
                    "GB",
                    goal=goal,
                    conditions=f"{model_words}, {size}",
                )
