"""How time and memory grow with prompts, steps, concepts, resolution and layer size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from .bench import Bench
from .figures import Figure
from .measuring import peak_memory, seconds
from .models import Model, sd15
from .sampling import all_prompts, profile, profile_request, sample

PLOT = "growth.png"
CHANNELS = 128  # of the model that most curves use
CHUNK = 4  # prompts a denoiser call
WORDS = tuple(f"church {number}" for number in range(1, 17))


@dataclass(frozen=True)
class Setting:
    """One profile run: (1 + concepts) · contexts prompts."""

    contexts: int = 8
    steps: int = 2
    concepts: int = 1
    side: int = 64
    channels: int = CHANNELS


@dataclass(frozen=True)
class Curve:
    """One axis of growth.

    Attributes:
        title: of its panel.
        settings: of the runs.
        size: what the exponents are fitted against.
        time_slope, memory_slope: the exponents that are expected.
    """

    title: str
    settings: tuple[Setting, ...]
    size: Callable[[Setting], float]
    time_slope: float
    memory_slope: float


CURVES = (
    Curve(
        "prompts a concept",
        tuple(Setting(contexts=count) for count in (7, 14, 28)),
        lambda setting: setting.contexts,
        1,
        0,
    ),
    Curve(
        "steps",
        tuple(Setting(steps=count) for count in (2, 4, 8)),
        lambda setting: setting.steps,
        1,
        0,
    ),
    Curve(
        "1 + concepts",
        tuple(Setting(concepts=count) for count in (1, 2, 4)),
        lambda setting: 1 + setting.concepts,
        1,
        0.84,  # (8 + 5 · concepts) bytes a weight
    ),
    Curve(
        "latent positions",
        tuple(Setting(side=side) for side in (128, 192, 256)),
        lambda setting: (setting.side // 8) ** 2,
        1,
        0,
    ),
    Curve(
        "FFN2 weights, millions",
        tuple(Setting(channels=count) for count in (128, 224, 320)),
        lambda setting: 49_561_600 * (setting.channels / 320) ** 2 / 1e6,
        1,
        1,
    ),
)


def growth(bench: Bench) -> list[Figure]:
    """Exponents of all curves; draws them into the folder of the report."""
    models = {
        count: sd15(count)
        for count in sorted({setting.channels for curve in CURVES for setting in curve.settings})
    }
    drawn: list[tuple[Curve, list[float], list[float], float, float]] = []
    figures = []
    for curve in CURVES:
        measured = [_measure(bench, models[one.channels], one) for one in curve.settings]
        times, memory = [list(column) for column in zip(*measured, strict=True)]
        sizes = [curve.size(setting) for setting in curve.settings]
        time_slope, memory_slope = exponent(sizes, times), exponent(sizes, memory)
        drawn.append((curve, times, memory, time_slope, memory_slope))
        for what, slope, expected in (
            ("time", time_slope, curve.time_slope),
            ("memory", memory_slope, curve.memory_slope),
        ):
            figures.append(
                bench.figure(
                    f"growth of {what} with {curve.title}: exponent",
                    [slope],
                    "",
                    f"{expected:g} expected",
                    conditions=f"SD 1.5's blocks, {_channels(curve)} channels",
                )
            )
    _draw(drawn, bench.results / PLOT)
    return figures


def _channels(curve: Curve) -> str:
    """Of the curve's models, in words."""
    return " to ".join(map(str, sorted({one.channels for one in curve.settings})[::2]))


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Slope of the least-squares line through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def _measure(bench: Bench, model: Model, setting: Setting) -> tuple[float, float]:
    """Median seconds of a profile run, and its megabytes beyond plain sampling of a chunk."""
    request = profile_request(
        bench.extension,
        WORDS[: setting.concepts],
        setting.contexts,
        setting.steps,
        setting.side,
        CHUNK,
    )
    chunk = all_prompts(request)[:CHUNK]

    def run() -> None:
        profile(bench.extension, model, request)

    sample(bench.extension, model, chunk, request, 1)
    with peak_memory() as plain:
        sample(bench.extension, model, chunk, request, 1)
    with peak_memory() as profiled:
        run()
    taken = median(seconds(run) for _ in range(max(1, bench.rounds // 3)))
    extra = (profiled.gpu - plain.gpu) or (profiled.ram - plain.ram)
    return taken, extra / 1e6


def _draw(
    drawn: Sequence[tuple[Curve, list[float], list[float], float, float]], path: Path
) -> None:
    """A panel a curve: measured points and the expected slope through their middle."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, len(drawn), figsize=(3.1 * len(drawn), 6), squeeze=False)
    for column, (curve, times, memory, time_slope, memory_slope) in enumerate(drawn):
        sizes = np.array([curve.size(setting) for setting in curve.settings])
        for row, (values, slope, expected, unit) in enumerate(
            (
                (times, time_slope, curve.time_slope, "time, s"),
                (memory, memory_slope, curve.memory_slope, "extra memory, MB"),
            )
        ):
            panel = panels[row][column]
            middle = np.exp(np.mean(np.log(values))) / np.exp(np.mean(np.log(sizes))) ** expected
            panel.loglog(sizes, middle * sizes**expected, "--", color="#777777")
            panel.loglog(sizes, values, "o-", color="#1d4ed8")
            panel.set_title(f"slope {slope:.2f}, expected {expected:g}", fontsize=9)
            low, high = min(values), max(values)
            panel.set_ylim(low / 1.8, high * 1.8)
            panel.set_xlabel(curve.title, fontsize=9)
            panel.set_xticks(sizes, [f"{size:.4g}" for size in sizes], fontsize=8)
            panel.minorticks_off()
            panel.grid(alpha=0.3)
            if column == 0:
                panel.set_ylabel(unit)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
