"""From a moved slider to the new picture, beside the same graph without the nodes.

    python3 benchmarks/loop.py

Runs the demo workflow's after-branch in the real ComfyUI again and again, each time with another
value in one widget, in turn with the plain branch with another seed, each first in every second
round. Medians over rounds. Writes ``docs/results/loop.md``.
"""

from statistics import median

from timings import set_widget, write_timings

CHANGES = {
    "strength": ("FIAApplyNeuronMask", "strength", 0.5, 0.05),
    "agnostic ratio": ("FIAFuseMasks", "agnostic_ratio", 30.0, 1.0),
    "spatial sparsity": ("FIABuildConceptMask", "spatial_sparsity", 1.0, 0.1),
}
"""Title: node, widget, first value, and how much it moves a round."""

GOAL = 3.0  # seconds to the picture
GOAL_MORE = 0.5  # seconds beyond the plain branch


async def measure(rounds: int) -> list[tuple[str, float, float]]:
    """Title, seconds to the picture, and how many more than the plain branch beside it; medians
    after two rounds to warm up."""
    from workbench.erasure import PLAIN, Case, Shot, demo_workflow, evaluation_graph
    from workbench.server import running_server
    from workbench.timing import timed

    async with running_server() as server:
        workflow = await demo_workflow(server)
        asked = [Shot("cat", "beach", 1)]
        plain = evaluation_graph(workflow, PLAIN, asked)
        erased = evaluation_graph(workflow, Case(("church", "golf ball"), 1.0), asked)
        await server.run(erased)  # profiles
        rows = []
        for title, (kind, widget, first, step) in CHANGES.items():
            with_nodes, without = [], []
            for number in range(2 + rounds):
                set_widget(plain, "KSampler", "seed", 1000 + number)
                set_widget(erased, kind, widget, first + number * step)
                runs = [(with_nodes, erased), (without, plain)]
                for seconds, graph in runs if number % 2 else reversed(runs):
                    seconds.append(await timed(server, graph))
            more = [a - b for a, b in zip(with_nodes, without, strict=True)][2:]
            rows.append((title, median(with_nodes[2:]), median(more)))
        return rows


async def page(rounds: int) -> str:
    """The report."""
    lines = [
        "# From a moved slider to the new picture",
        "",
        f"Bundled model, one picture of the demo workflow's size and steps. Medians of {rounds} "
        "rounds, in turn with the plain branch. Written by `python3 benchmarks/loop.py`. Goals: at "
        f"most {GOAL:g} s, and at most {GOAL_MORE:g} s more than without the nodes.",
        "",
        "| moved | to the picture | more than without the nodes | |",
        "| --- | --- | --- | --- |",
    ]
    for title, with_nodes, more in await measure(rounds):
        word = "reached" if with_nodes <= GOAL and more <= GOAL_MORE else "missed"
        lines.append(f"| {title} | {with_nodes:.2f} s | {more:.2f} s | {word} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write_timings(__file__, __doc__, page)
