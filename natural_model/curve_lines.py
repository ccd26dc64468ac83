"""What is measured of every method: lines of settings, along each of which one setting, the dial,
goes from hardly anything forgotten to too much.

All methods have at most ``BUDGET`` settings. Each has its authors' own among them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from paths import use_training_scripts

use_training_scripts()
from render import SIZE  # noqa: E402

BUDGET = 20
STRENGTHS = (0.5, 0.75, 1.0, 1.5, 2.0)
RIDGES = (500.0, 50.0, 5.0, 0.5, 0.05)
NEUTRAL = "photo"
"""A word of every caption, as an anchor: the vocabularies have no word for a thing."""


@dataclass(frozen=True)
class Line:
    """One method's settings along its dial.

    Attributes:
        method: for people.
        function: of ``benchmarks/forget``, or ``fia``.
        label: of the settings that stay.
        dial: the setting that changes, the weakest value first.
        settings: those that stay.
        kept_as: the setting that tells the method what to keep; empty where it cannot be told.
        told_only: settings that differ only where it is told.
    """

    method: str
    function: str
    label: str
    dial: str
    values: tuple[float, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    kept_as: str = "kept"
    told_only: bool = False


def _fia(form: str) -> list[Line]:
    return [
        Line(
            f"FIA, {form} Eq. 1", "fia", f"r2 {share:g} %", "strength", STRENGTHS,
            {"spatial_sparsity": share, "saliency_form": form},
        )
        for share in (1.0, 0.5, 3.0, 10.0)
    ]  # fmt: skip


def _lines(
    method: str,
    function: str,
    dial: str,
    values: tuple[float, ...],
    labelled: Mapping[str, Mapping[str, Any]],
    kept_as: str = "kept",
) -> list[Line]:
    return [
        Line(method, function, label, dial, values, settings, kept_as)
        for label, settings in labelled.items()
    ]


SCENES = ("park", "forest", "room")
LINES: tuple[Line, ...] = (
    *_fia("exact"),
    *_fia("released"),
    *_lines(
        "SPEED", "speed", "retain_scale", (100.0, 10.0, 1.0, 0.1, 0.01),
        {
            "authors' τ": {},
            "τ 1 %": {"threshold": 0.01, "relative": True},
            "τ 1 %, to a photo": {"threshold": 0.01, "relative": True, "anchor": NEUTRAL},
            "τ 10 %, to a photo": {"threshold": 0.1, "relative": True, "anchor": NEUTRAL},
        },
    ),
    *_lines(
        "OCE", "oce", "erase_scale", (20.0, 100.0, 500.0, 2000.0, 10000.0),
        {
            "authors' scales": {},
            "kept at 5": {"preserve_scale": 5.0},
            "to a photo": {"anchors": (NEUTRAL,)},
            "to three scenes, kept at 5": {"anchors": SCENES, "preserve_scale": 5.0},
        },
    ),
    *_lines(
        "Double Projections", "double_projections", "strength", (0.25, 0.5, 0.75, 1.0, 1.5),
        {"to a photo": {}, "to three scenes": {"anchors": SCENES}},
    ),
    *(
        Line(
            "Double Projections", "double_projections", f"{label}, weakest kept directions free",
            "strength", (0.25, 0.5, 0.75, 1.0, 1.5), {"anchors": anchors, "rank_cut": 0.05},
            told_only=True,
        )
        for label, anchors in (("to a photo", (NEUTRAL,)), ("to three scenes", SCENES))
    ),
    *_lines(
        "ScaPre", "scapre", "ridge", RIDGES,
        {
            "authors'": {},
            "no row mask": {"sharpness": 0.0},
            "no blend": {"least_blend": 1.0},
            "to a photo": {"anchor": NEUTRAL},
        },
        kept_as="",
    ),
    *_lines(
        "RECE", "rece", "ridge", (1000.0, 100.0, 10.0, 1.0, 0.1),
        {
            "authors' λ 0.1": {},
            "authors' λ 0.001": {"regularisation": 0.001},
            "three rounds": {"rounds": 3},
            "to a photo": {"anchor": NEUTRAL},
        },
    ),
    *_lines(
        "UCE", "uce", "ridge", RIDGES,
        {
            "authors'": {},
            "last word's token": {"tokens": "the last word's"},
            "as in captions": {"templates": ("a photo of a {concept}",)},
            "to a photo": {"anchor": NEUTRAL},
        },
        kept_as="preserve",
    ),
    *(
        Line(
            "ConceptPrune", "concept_prune", f"{share:g} %", "strength", STRENGTHS,
            {"sparsity": share}, kept_as="",
        )
        for share in (1.0, 0.5, 3.0, 10.0)
    ),
    Line("negative prompt", "negative_prompt", "words", "", (1.0,), {"wording": "caption"}, ""),
    *_lines(
        "Perp-Neg", "perpneg", "neg_scale", (0.5, 1.0, 2.0, 4.0, 8.0),
        {"the host's": {"wording": "caption"}, "as a list": {"wording": "list"}},
        kept_as="",
    ),
    *_lines(
        "SLD", "sld", "safety_scale", (200.0, 1000.0, 2000.0, 5000.0, 20000.0),
        {
            "else as its max": {"setting": "custom"},
            "else as its strong": {"setting": "custom", "threshold": 0.025, "warm_up": 0.14},
            "else as its medium": {
                "setting": "custom", "threshold": 0.01, "warm_up": 0.2,
                "momentum_scale": 0.3, "momentum_decay": 0.4,
            },
        },
        kept_as="",
    ),
    *_lines(
        "ESD-x", "esdx", "iterations", (10, 30, 100, 300, 1000),
        {
            f"rate {rate:g}": {"learning_rate": rate, "width": SIZE, "height": SIZE}
            for rate in (1e-5, 1e-4)
        },
        kept_as="",
    ),
    *_lines(
        "NAG", "nag", "scale", (2.0, 5.0, 10.0, 20.0, 40.0),
        {
            "authors' τ 2.5, α 0.25": {"joint": " "},
            "τ 2.5, α 0.5": {"joint": " ", "blend": 0.5},
            "τ 5, α 0.5": {"joint": " ", "threshold": 5.0, "blend": 0.5},
            "τ 10, α 1": {"joint": " ", "threshold": 10.0, "blend": 1.0},
        },
        kept_as="",
    ),
    *_lines(
        "NegPiP", "negpip", "weight", (-0.25, -0.5, -1.0, -1.5, -2.0),
        {"words": {"joint": " "}, "with and": {"joint": " and a "}},
        kept_as="",
    ),
)  # fmt: skip
