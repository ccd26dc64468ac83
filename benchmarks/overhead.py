"""What profiling costs beside the denoising that it watches.

    python3 benchmarks/overhead.py

First: a Profile Concept run against a KSampler run of as many denoiser calls, in turn, through the
real ComfyUI. Second: exact Eq. 1 statistics against the forward of the FFN2 layers themselves, at
the sizes of the bundled model and of Stable Diffusion 1.5 at 512 pixels. Medians of ratios of
neighbouring runs. Writes ``docs/results/overhead.md``.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from workbench.environment import run_in_environment  # noqa: E402

if TYPE_CHECKING:
    from workbench.graph import ApiGraph
    from workbench.server import Server

REPORT = ROOT / "docs" / "results" / "overhead.md"
CONTEXTS = ("park", "forest", "room", "city", "lawn", "garden", "street", "office", "cafe", "tree")
STEPS = 10
CFG = 7.5

Sizes = tuple[tuple[int, int, int, int], ...]
"""(how many layers, C_in, C_out, tokens) of the FFN2 layers of one size."""

SD15_AT_512: Sizes = (
    (5, 1280, 320, 4096),
    (5, 2560, 640, 1024),
    (5, 5120, 1280, 256),
    (1, 5120, 1280, 64),
)


def bundled_sizes() -> Sizes:
    """The FFN2 layers of the bundled model: one down and two up at every level, one between."""
    from demo_model.architecture import DENOISER

    sizes = []
    for level, factor in enumerate(DENOISER["channel_mult"]):
        width, side = DENOISER["model_channels"] * factor, DENOISER["image_size"] >> level
        blocks = DENOISER["num_res_blocks"][level]
        depth = DENOISER["transformer_depth"][level]
        count = blocks * depth + (blocks + 1) * depth
        if level == len(DENOISER["channel_mult"]) - 1:
            count += DENOISER["transformer_depth_middle"]
        sizes.append((count, 4 * width, width, side * side))
    return tuple(sizes)


def interleaved(first: Callable[[], None], second: Callable[[], None], rounds: int) -> float:
    """Median over rounds of the time of ``second`` as a multiple of ``first``'s beside it."""
    first()
    second()
    return median(seconds(second) / seconds(first) for _ in range(rounds))


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def statistics_ratio(sizes: Sizes, rounds: int) -> float:
    """Time of the exact statistics of one prompt over that of the FFN2 layers' forward for it."""
    import torch
    from torch.nn import functional

    from fia_core import RunningMoments, prompt_saliency

    generator = torch.Generator().manual_seed(0)
    layers = []
    for count, c_in, c_out, tokens in sizes:
        weight = torch.randn(c_out, c_in, generator=generator) * c_in**-0.5
        x = torch.randn(tokens, c_in, generator=generator)
        layers += [(weight, x, x @ weight.T, RunningMoments((c_out, c_in))) for _ in range(count)]

    @torch.inference_mode()
    def forward() -> None:
        for weight, x, _, _ in layers:
            functional.linear(x, weight)

    @torch.inference_mode()
    def statistics() -> None:
        for weight, x, y, moments in layers:
            moments.add(prompt_saliency(weight, x, y))

    return interleaved(forward, statistics, rounds)


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


async def timed(server: "Server", graph: "ApiGraph") -> float:
    start = time.perf_counter()
    await server.run(graph)
    return time.perf_counter() - start


async def profile_ratio(rounds: int) -> float:
    """Time of a profile run over that of plain sampling, the two in turn."""
    from workbench.server import running_server

    async with running_server() as server:
        ratios = []
        for seed in range(rounds + 1):  # the first one warms up
            plain = await timed(server, plain_graph(seed))
            profile = await timed(server, profile_graph(seed))
            ratios.append(profile / plain)
            print(f"plain {plain:.2f} s, profile {profile:.2f} s", flush=True)
        return median(ratios[1:])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    run_in_environment(Path(__file__).resolve())

    from workbench.server import end_on_signals

    end_on_signals()
    rows = [
        ("profile run / plain sampling, bundled model", asyncio.run(profile_ratio(rounds))),
        ("statistics / FFN2 forward, bundled model", statistics_ratio(bundled_sizes(), rounds)),
        ("statistics / FFN2 forward, SD 1.5 at 512", statistics_ratio(SD15_AT_512, rounds)),
    ]
    lines = ["# What profiling costs", "Written by `python3 benchmarks/overhead.py`.", ""]
    lines += ["| ratio of times | median |", "| --- | --- |"]
    lines += [f"| {title} | {value:.2f} |" for title, value in rows]
    lines += [
        "",
        "The forward is that of the conditional rows alone; with guidance it is twice that.",
    ]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
