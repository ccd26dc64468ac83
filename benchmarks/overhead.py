"""The cost of profiling beside the denoising that it watches.

    python3 benchmarks/overhead.py

A Profile Concept run against a KSampler run of as many denoiser calls, in turn, through the real
ComfyUI and with the bundled model. Writes ``docs/results/overhead.md``. What the statistics alone
cost at the size of Stable Diffusion 1.5, ``true_size.py`` measures.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

if TYPE_CHECKING:
    from workbench.graph import ApiGraph

REPORT = ROOT / "docs" / "results" / "overhead.md"
CONTEXTS = ("park", "forest", "room", "city", "lawn", "garden", "street", "office", "cafe", "tree")
STEPS = 10
CFG = 7.5
GOAL = 1.25


def profile_graph(seed: int) -> "ApiGraph":
    """One concept, as many base prompts, all in one chunk."""
    settings = {
        "concepts": "church",
        "kind": "object",
        "contexts": "\n".join(CONTEXTS),
        "concept_templates": "",
        "base_template": "",
        "seed": seed,
        "steps": 50,
        "profile_steps": STEPS,
        "cfg": CFG,
        "sampler": "euler",
        "scheduler": "normal",
        "width": 128,
        "height": 128,
        "batch_size": 2 * len(CONTEXTS),
        "temporal_sparsity": 5.0,
        "saliency_form": "exact",
        "use_cache": False,
    }
    return {
        "1": node("FIADemoModel"),
        "2": node("FIAProfileConcept", model=["1", 0], clip=["1", 1], **settings),
        "3": node("PreviewAny", source=["2", 0]),
    }


def plain_graph(seed: int) -> "ApiGraph":
    """A KSampler that makes as many denoiser calls on as many latents."""
    settings = {
        "seed": seed,
        "steps": STEPS,
        "cfg": CFG,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 1.0,
        "model": ["1", 0],
        "positive": ["2", 0],
        "negative": ["3", 0],
        "latent_image": ["4", 0],
    }
    return {
        "1": node("FIADemoModel"),
        "2": node("CLIPTextEncode", clip=["1", 1], text="a church in a park"),
        "3": node("CLIPTextEncode", clip=["1", 1], text=""),
        "4": node("EmptyLatentImage", width=128, height=128, batch_size=2 * len(CONTEXTS)),
        "5": node("KSampler", **settings),
        "6": node("PreviewAny", source=["5", 0]),
    }


def node(class_type: str, **inputs: object) -> dict[str, object]:
    return {"class_type": class_type, "inputs": inputs}


async def profile_ratios(rounds: int) -> list[float]:
    """Time of a profile run over that of plain sampling, the two in turn."""
    from workbench.server import running_server
    from workbench.timing import timed

    async with running_server(threads=None) as server:
        ratios = []
        for seed in range(rounds + 1):  # the first one warms up
            plain = await timed(server, plain_graph(seed))
            profile = await timed(server, profile_graph(seed))
            ratios.append(profile / plain)
            print(f"plain {plain:.2f} s, profile {profile:.2f} s", flush=True)
        return ratios[1:]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    run_in_environment(Path(__file__).resolve())

    from workbench.server import end_on_signals

    end_on_signals()
    ratios = asyncio.run(profile_ratios(rounds))
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    verdict = "reached" if median(ratios) <= GOAL else "missed"
    lines = [
        "# What profiling costs",
        "",
        f"Written by `python3 benchmarks/overhead.py`; {rounds} rounds, the two runs of a ratio in "
        "turn. The bundled model, ten prompts with a concept and ten without, ten steps.",
        "",
        "| ratio of times | median | lowest to highest | goal, at most | |",
        "| --- | --- | --- | --- | --- |",
        "| profile run / plain sampling of as many denoiser calls "
        f"| {median(ratios):.2f} | {spread} | {GOAL:.2f} | {verdict} |",
    ]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
