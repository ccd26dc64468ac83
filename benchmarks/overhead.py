"""The cost of profiling beside the denoising that it watches.

    python3 benchmarks/overhead.py

A Profile Concept run against a KSampler run of as many denoiser calls, in turn, each first in every
other round after two to warm up, through the real ComfyUI and with the bundled model. Writes
``docs/results/overhead.md``. What the statistics alone cost at the size of Stable Diffusion 1.5,
``true_size.py`` measures.
"""

from statistics import median
from typing import TYPE_CHECKING

from timings import in_turn, set_widget, write_timings

if TYPE_CHECKING:
    from workbench.graph import ApiGraph

STEPS = 10
PROMPTS = 20  # ten with the concept, as many without, all in one chunk
GOAL = 1.08


def profile_graph(workflow: "ApiGraph") -> "ApiGraph":
    """One concept, profiled as in the demo workflow."""
    graph = shown("Profile Concept", workflow)
    for widget, value in {
        "concepts": "church",
        "profile_steps": STEPS,
        "batch_size": PROMPTS,
        "use_cache": False,
    }.items():
        set_widget(graph, "FIAProfileConcept", widget, value)
    return graph


def plain_graph(workflow: "ApiGraph") -> "ApiGraph":
    """A KSampler that makes as many denoiser calls on as many latents."""
    graph = shown("Sample before", workflow)
    set_widget(graph, "KSampler", "steps", STEPS)
    set_widget(graph, "EmptyLatentImage", "batch_size", PROMPTS)
    return graph


def shown(title: str, workflow: "ApiGraph") -> "ApiGraph":
    """The node of a title, what it is made from, and a preview of what it gives."""
    from workbench.graph import copy_with_sources

    (id,) = (id for id, node in workflow.items() if node["_meta"]["title"] == title)
    graph: ApiGraph = {"shown": {"class_type": "PreviewAny", "inputs": {"source": [id, 0]}}}
    copy_with_sources(id, workflow, graph)
    return graph


async def page(rounds: int) -> str:
    """The report."""
    from workbench.erasure import demo_workflow
    from workbench.server import running_server

    async with running_server(threads=None) as server:
        workflow = await demo_workflow(server)
        profiling, sampling = profile_graph(workflow), plain_graph(workflow)

        def change(number: int) -> None:
            set_widget(profiling, "FIAProfileConcept", "seed", number)
            set_widget(sampling, "KSampler", "seed", number)

        times = await in_turn(server, (profiling, sampling), rounds, change)
    ratios = [profile / plain for profile, plain in times]
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    verdict = "reached" if median(ratios) <= GOAL else "missed"
    return f"""# What profiling costs

Written by `python3 benchmarks/overhead.py`; {rounds} rounds, the two runs of a ratio in turn. \
The bundled model, ten prompts with a concept and ten without, ten steps.

| ratio of times | median | lowest to highest | goal, at most | |
| --- | --- | --- | --- | --- |
| profile run / plain sampling of as many denoiser calls | {median(ratios):.2f} | {spread} \
| {GOAL:.2f} | {verdict} |
"""


if __name__ == "__main__":
    write_timings(__file__, __doc__, page)
