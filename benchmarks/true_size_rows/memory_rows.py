"""Extra memory of profiling, whatever the number of prompts and steps."""

from .bench import Bench, gigabytes
from .figures import Figure
from .measuring import peak_memory
from .models import Model, sdxl
from .sampling import all_prompts, profile, profile_request, sample
from .settings import CONCEPTS

SIZES = ((2, 1), (4, 1), (2, 3))
"""(contexts, steps) of the runs."""


def sd15_memory(bench: Bench) -> list[Figure]:
    """At SD 1.5's true size."""
    return _extra(bench, bench.sd15, "SD 1.5 size, float32", 0.8, SIZES)


def sdxl_memory(bench: Bench) -> list[Figure]:
    """At SDXL's true size, its weights in half precision."""
    return _extra(bench, sdxl(), "SDXL size, float16 computed in float32", 4.0, SIZES[:1])


def _extra(
    bench: Bench, model: Model, words: str, goal: float, sizes: tuple[tuple[int, int], ...]
) -> list[Figure]:
    """Peak of a profile run beyond the peak of plain sampling in the same chunks."""
    figures = []
    extension = bench.extension
    for contexts, steps in sizes:
        request = profile_request(extension, CONCEPTS[:1], contexts, steps, 64, chunk=2)
        prompts = all_prompts(request)
        sample(extension, model, prompts[:2], request, 1)
        with peak_memory() as plain:
            sample(extension, model, prompts, request, steps)
        with peak_memory() as profiled:
            profile(extension, model, request)
        places = {"RAM": profiled.ram - plain.ram, "GPU": profiled.gpu - plain.gpu}
        figures += [
            bench.figure(
                f"extra memory of profiling, {place}",
                [gigabytes(extra)],
                "GB",
                goal=goal,
                conditions=f"{words}, {contexts} + {contexts} prompts, {steps} steps, 64 px",
            )
            for place, extra in places.items()
            if profiled.gpu or place == "RAM"
        ]
    return figures
