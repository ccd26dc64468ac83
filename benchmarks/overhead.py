"""What profiling costs beside the denoising that it watches.

    python3 benchmarks/overhead.py

First: a Profile Concept run against a KSampler run of as many denoiser calls, in turn, through the
real ComfyUI. Second: exact Eq. 1 statistics against the forward of the FFN2 layers themselves, at
the sizes of the bundled model and of Stable Diffusion 1.5 at 512 pixels. Ratios of neighbouring
runs, each beside its goal. Writes ``docs/results/overhead.md``.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Ratios:
    """A time as multiples of another's, one ratio for each pair of neighbouring runs."""

    values: tuple[float, ...]

    def times(self, factor: float) -> "Ratios":
        return Ratios(tuple(factor * value for value in self.values))

    def row(self, title: str, goal: float) -> str:
        """Of the report's table."""
        middle = median(self.values)
        spread = f"{min(self.values):.2f} to {max(self.values):.2f}"
        word = "reached" if middle <= goal else "missed"
        return f"| {title} | {middle:.2f} | {spread} | {goal:.2f} | {word} |"


def interleaved(first: Callable[[], None], second: Callable[[], None], rounds: int) -> Ratios:
    """Times of ``second`` as multiples of ``first``'s beside it."""
    first()
    second()
    pairs = ((seconds(first), seconds(second)) for _ in range(rounds))
    return Ratios(tuple(of_second / of_first for of_first, of_second in pairs))


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def statistics_ratios(sizes: Sizes, rounds: int) -> Ratios:
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


async def profile_ratios(rounds: int) -> Ratios:
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
        return Ratios(tuple(ratios[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    run_in_environment(Path(__file__).resolve())

    from workbench.server import end_on_signals

    end_on_signals()
    profile = asyncio.run(profile_ratios(rounds))
    bundled, sd15 = (statistics_ratios(sizes, rounds) for sizes in (bundled_sizes(), SD15_AT_512))
    lines = [
        "# What profiling costs",
        "",
        f"Written by `python3 benchmarks/overhead.py`; {rounds} rounds, the two runs of a ratio in "
        "turn.",
        "",
        "| ratio of times | median | lowest to highest | goal, at most | |",
        "| --- | --- | --- | --- | --- |",
        profile.row("profile run / plain sampling, bundled model", 1.25),
        sd15.times(1 / 2).row("statistics / FFN2 forward with guidance, SD 1.5 at 512", 1.3),
        sd15.row("statistics / FFN2 forward of the conditional half, SD 1.5 at 512", 1.3),
        bundled.times(1 / 2).row("statistics / FFN2 forward with guidance, bundled model", 1.3),
        bundled.row("statistics / FFN2 forward of the conditional half, bundled model", 1.3),
        "",
        "With guidance a denoiser call runs FFN2 for two halves, conditional and unconditional; "
        "the statistics read the first only. The statistics of a prompt are one matrix product as "
        "large as FFN2's own for that prompt and some passes over the weights. The product shrinks "
        "with the number of positions and the passes do not, so the ratio is worse the smaller the "
        "picture is: the bundled model has 256 positions and fewer, SD 1.5 up to 4,096.",
    ]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
