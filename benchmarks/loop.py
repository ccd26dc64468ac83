"""From a moved slider to the new picture, beside the same graph without the nodes.

    python3 benchmarks/loop.py

Runs the demo workflow's after-branch in the real ComfyUI again and again, each time with another
value in one widget, in turn with the plain branch with another seed. Medians over rounds. Writes
``docs/results/loop.md``.
"""

from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from timings import in_turn, set_widget, write_timings

if TYPE_CHECKING:
    from workbench.graph import ApiGraph

CHANGES = {
    "strength": ("FIAApplyNeuronMask", "strength", 0.5, 0.05),
    "agnostic ratio": ("FIAFuseMasks", "agnostic_ratio", 30.0, 1.0),
    "spatial sparsity": ("FIABuildConceptMask", "spatial_sparsity", 1.0, 0.1),
}
"""Title: node, widget, first value, and how much it moves a round."""

GOAL = 3.0  # seconds to the picture
GOAL_MORE = 0.5  # seconds beyond the plain branch


def change(erased: "ApiGraph", plain: "ApiGraph", title: str, number: int) -> None:
    """Move the slider, and the plain branch's seed."""
    kind, widget, first, step = CHANGES[title]
    set_widget(erased, kind, widget, first + number * step)
    set_widget(plain, "KSampler", "seed", 1000 + number)


async def page(rounds: int) -> str:
    """The report."""
    from benchmarks.analysis.tables import table
    from workbench.erasure import PLAIN, Case, Shot, demo_workflow, evaluation_graph
    from workbench.server import running_server

    lines = []
    async with running_server() as server:
        workflow = await demo_workflow(server)
        asked = [Shot("cat", "beach", 1)]
        plain = evaluation_graph(workflow, PLAIN, asked)
        erased = evaluation_graph(workflow, Case(("church", "golf ball"), 1.0), asked)
        await server.run(erased)  # profiles
        for title in CHANGES:
            moved = partial(change, erased, plain, title)
            times = await in_turn(server, (erased, plain), rounds, moved)
            seconds = median(with_nodes for with_nodes, _ in times)
            more = median(with_nodes - without for with_nodes, without in times)
            verdict = "reached" if seconds <= GOAL and more <= GOAL_MORE else "missed"
            lines.append([title, f"{seconds:.2f} s", f"{more:.2f} s", verdict])
    head = ["moved", "to the picture", "more than without the nodes", ""]
    return f"""# From a moved slider to the new picture

Bundled model, one picture of the demo workflow's size and steps. Medians of {rounds} rounds, in \
turn with the plain branch. Written by `python3 benchmarks/loop.py`. Goals: at most {GOAL:g} s, \
and at most {GOAL_MORE:g} s more than without the nodes.

{table(head, lines)}
"""


if __name__ == "__main__":
    write_timings(__file__, __doc__, page)
