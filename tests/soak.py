"""Many prompts through one server, each after a random edit of the graph; what is left at the end?

    python3 tests/soak.py --prompts 300

Every prompt changes something at random: strength, sparsity, ratio, the concepts, the prompt and
its seed, Apply Neuron Mask bypassed, the cache of profiles off; one in twenty is interrupted. After
each the memory of the server's process is read. Every tenth time a plain picture follows, which
must be the first one, bit for bit. As many prompts without the extension's nodes, in a server of
their own, tell what the host itself keeps of a prompt. Prints a table in Markdown.
"""

import argparse
import asyncio
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

if TYPE_CHECKING:
    from workbench.client import Server
    from workbench.graph import ApiGraph

PACK = ROOT / "tests" / "soak_nodes"
WARM_UP = 0.2  # of the prompts, in which caches fill; left out of the slope
COUNT_EVERY = 10  # prompts
INTERRUPTED = 0.05  # of the prompts
FREEING = 20  # seconds at most
BYPASSED = 0.2
CONCEPTS = ("church", "golf ball", "cat", "guitar", "rocket", "apple")
MIB = 2**20


@dataclass
class Soak:
    """What was seen.

    Attributes:
        memory: bytes of the server's process after each prompt.
        counted: at which prompt, and what there was then.
        plain_equal: whether each plain picture was the first one.
        interrupted: prompts that were.
        at_end: what there was when the host had let go of its models.
        seconds: of the whole run.
    """

    memory: list[int] = field(default_factory=list)
    counted: dict[int, dict[str, int]] = field(default_factory=dict)
    plain_equal: list[bool] = field(default_factory=list)
    interrupted: int = 0
    at_end: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


async def soak(prompts: int, seed: int, base: Path, bypassed: float = BYPASSED) -> Soak:
    """Run the prompts, ``bypassed`` of them without any node of this extension but the model."""
    import psutil

    from workbench.client import WorkflowError
    from workbench.erasure import demo_workflow
    from workbench.server import running_server

    rng, seen = random.Random(seed), Soak()
    start = time.monotonic()
    async with running_server(base=base, packs=[PACK]) as server:
        workflow = await demo_workflow(server)
        process = psutil.Process(server.process.pid)
        first = await plain_picture(server, workflow)
        for number in range(prompts):
            graph, stop = edited(rng, workflow, bypassed), rng.random() < INTERRUPTED
            task = asyncio.create_task(server.run(graph))
            if stop:
                await asyncio.sleep(rng.uniform(0.05, 0.5))
                await server.interrupt()
            try:
                await task
            except WorkflowError as error:
                if "interrupted" not in str(error):
                    raise
                seen.interrupted += 1
            seen.memory.append(process.memory_info().rss)
            if number % COUNT_EVERY == COUNT_EVERY - 1:
                seen.counted[number + 1] = await left(server)
                seen.plain_equal.append(await plain_picture(server, workflow) == first)
        await plain_picture(server, workflow)
        seen.at_end = await left_after_freeing(server)
    seen.seconds = time.monotonic() - start
    return seen


def edited(rng: random.Random, workflow: "ApiGraph", bypassed: float) -> "ApiGraph":
    """The demo workflow's one branch after a random edit."""
    from workbench.erasure import PLAIN, SCENES, Case, Shot, evaluation_graph

    concepts = tuple(rng.sample(CONCEPTS, rng.randint(1, 3)))
    case = PLAIN if rng.random() < bypassed else Case(concepts, rng.choice((0.0, 0.5, 1.0, 2.0)))
    shot = Shot(rng.choice(CONCEPTS), rng.choice(SCENES), rng.randrange(10**6))
    return quick(
        evaluation_graph(workflow, case, [shot]),
        FIAProfileConcept={"use_cache": rng.random() < 0.8, "seed": rng.randrange(3)},
        FIABuildConceptMask={"spatial_sparsity": rng.choice((0.5, 1.0, 3.0))},
        FIAFuseMasks={"agnostic_ratio": rng.choice((30.0, 60.0, 100.0))},
    )


def quick(graph: "ApiGraph", **inputs: dict[str, Any]) -> "ApiGraph":
    """The graph with few prompts and steps, and other inputs by type of node."""
    short = {"contexts": "park\nforest\nroom", "profile_steps": 2}
    inputs["FIAProfileConcept"] = short | inputs.get("FIAProfileConcept", {})
    inputs["KSampler"] = {"steps": 4}
    for node in graph.values():
        node["inputs"] |= inputs.get(node["class_type"], {})
    return graph


async def plain_picture(server: "Server", workflow: "ApiGraph") -> bytes:
    """One picture without any of this extension's nodes but the model."""
    from workbench.erasure import PLAIN, Shot, evaluation_graph

    graph = quick(evaluation_graph(workflow, PLAIN, [Shot("cat", "beach", 1)]))
    shown = await server.run(graph)
    return (await server.images(shown["shot 0"]))[0].tobytes()


async def left(server: "Server") -> dict[str, int]:
    """What there is in the server's process."""
    async with server.session.get(f"{server.address}/soak/left") as answer:
        answer.raise_for_status()
        return await answer.json()


async def left_after_freeing(server: "Server") -> dict[str, int]:
    """What is left once the host has let go of its models, a moment after it is asked."""
    async with server.session.post(
        f"{server.address}/free", json={"unload_models": True, "free_memory": True}
    ) as answer:
        answer.raise_for_status()
    counts, until = await left(server), time.monotonic() + FREEING
    while counts["patchers"] and time.monotonic() < until:
        await asyncio.sleep(1)
        counts = await left(server)
    return counts


def table(result: Soak, plain_memory: list[int]) -> str:
    """What was seen, in Markdown; ``plain_memory`` is of graphs without the extension's nodes."""
    slope, memory = memory_slope(result.memory)
    equal = f"{sum(result.plain_equal)} of {len(result.plain_equal)}"
    rows = {
        "prompts, of them interrupted": f"{len(result.memory)}, {result.interrupted}",
        "minutes": f"{result.seconds / 60:.0f}",
        "memory of the server after the first fifth": memory,
        "slope of the memory": slope,
        "the same without the extension's nodes, in another server": memory_slope(plain_memory)[0],
        "plain pictures between that were the first one, bit for bit": equal,
    }
    for name, number in result.at_end.items():
        counts = [count[name] for count in result.counted.values()]
        between = f"{counts[0]} at first, {max(counts)} at most, {counts[-1]} at last"
        rows[f"{name} alive while it ran"] = between
        rows[f"{name} after all models were let go"] = str(number)
    return "\n".join(
        ["| seen | |", "| --- | --- |", *map("| {0[0]} | {0[1]} |".format, rows.items())]
    )


def memory_slope(memory: list[int]) -> tuple[str, str]:
    """Least squares after the warm-up: KiB a prompt with its interval, and the range in MiB."""
    from scipy import stats

    start = int(WARM_UP * len(memory))
    steady = memory[start:]
    line: Any = stats.linregress(range(len(steady)), [value / 1024 for value in steady])
    half = stats.t.ppf(0.975, len(steady) - 2) * line.stderr
    interval = f"{line.slope - half:+.1f} to {line.slope + half:+.1f}"
    words = f"{line.slope:+.1f} KiB a prompt, 95 % interval {interval}"
    return words, f"{min(steady) / MIB:.0f} to {max(steady) / MIB:.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0, help="other edits")
    arguments = parser.parse_args()
    run_in_environment(Path(__file__).resolve())

    from workbench.server import end_on_signals

    end_on_signals()
    prompts, seed = arguments.prompts, arguments.seed
    with TemporaryDirectory() as base:
        result = asyncio.run(soak(prompts, seed, Path(base)))
    with TemporaryDirectory() as base:
        plain = asyncio.run(soak(prompts, seed, Path(base), bypassed=1.0))
    print(table(result, plain.memory))


if __name__ == "__main__":
    main()
