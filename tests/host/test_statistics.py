"""How exact the statistics of a profile are: the bundled model, ten prompts with a concept and ten
without."""

import math
from typing import Any

import pytest
import torch
from graphs import PROFILE_INPUTS, node
from readable import contrastive_saliency, unified_saliency

PROMPTS = 10
STEPS = 2
SHARES = (0.01, 0.02, 0.05)
INPUTS = PROFILE_INPUTS | {
    "contexts": "",
    "steps": 50,
    "profile_steps": STEPS,
    "width": 128,
    "height": 128,
    "batch_size": PROMPTS,
}

Masks = dict[str, list[torch.Tensor]]
"""Of each layer, at each of ``SHARES``."""


@pytest.fixture
def as_on_a_card(extension: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sum stacks in one pass and find thresholds with topk, as devices other than a CPU do."""
    steps = extension.module("nodes.host.profiling.step_statistics")
    room = steps.STACK_BYTES
    monkeypatch.setattr(steps, "_stack", lambda shape, device: room // (4 * math.prod(shape)))
    selection = extension.module("fia_core.equations.selection")
    monkeypatch.setattr(selection, "_is_one_long_row", lambda values: False)


def profile(host: Any, **inputs: Any) -> Any:
    """Of church, made afresh by the bundled model."""
    host.forget()
    links = {"model": ["demo", 0], "clip": ["demo", 1]}
    made = node("FIAProfileConcept", **links, **(INPUTS | inputs))
    graph = {"demo": node("FIADemoModel"), "profile": made}
    return host.run(graph, "profile")[0]


def masks_of(core: Any, sensitivities: dict[str, torch.Tensor]) -> Masks:
    return {
        name: [core.concept_sensitive_mask(sensitivity, share) for share in SHARES]
        for name, sensitivity in sensitivities.items()
    }


def masks_of_profile(core: Any, made: Any) -> Masks:
    return masks_of(core, {name: layer.dense() for name, layer in made.layers.items()})


def least_overlap(one: Masks, other: Masks) -> float:
    """Share of the weights that ``other`` selects and ``one`` too, at the worst sparsity."""
    shares = []
    for mine, theirs in zip(
        zip(*one.values(), strict=True), zip(*other.values(), strict=True), strict=True
    ):
        pairs = list(zip(mine, theirs, strict=True))
        shares.append(sum(int((a & b).sum()) for a, b in pairs) / sum(int(b.sum()) for b in theirs))
    return min(shares)


class Readable:
    """Eq. 1-2 in their readable form beside the statistics."""

    def __init__(self, core: Any, layers: dict[str, torch.nn.Linear]) -> None:
        self._layers = layers
        self._saliencies: dict[str, list[torch.Tensor]] = {name: [] for name in layers}
        self._sensitivities = {
            name: core.SensitivityAccumulator(0.05, layer.weight.shape)
            for name, layer in layers.items()
        }

    def add(self, layer: str, x: torch.Tensor) -> None:
        weight = self._layers[layer].weight
        self._saliencies[layer] += [unified_saliency(weight, one) for one in x.flatten(1, -2)]

    def finish_step(self) -> None:
        for name, saliencies in self._saliencies.items():
            stack = torch.stack(saliencies)
            self._sensitivities[name].add(
                contrastive_saliency(concept=stack[PROMPTS:], base=stack[:PROMPTS])
            )
            saliencies.clear()

    def sensitivities(self) -> dict[str, torch.Tensor]:
        return {name: layer.result() for name, layer in self._sensitivities.items()}


@pytest.fixture(scope="module")
def readable(host: Any, extension: Any) -> Masks:
    """Masks of the readable form, which sees the inputs that a profile's statistics see."""
    demo = extension.module("demo_model.loader").load_demo_model().model
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(demo)
    core = extension.module("fia_core")
    beside = Readable(core, layers)
    statistics = extension.module("nodes.host.profiling.step_statistics").StepStatistics
    add, finish_step = statistics.add, statistics.finish_step

    def add_both(self: Any, layer: str, prompts: range, *seen: torch.Tensor) -> None:
        beside.add(layer, seen[0])
        add(self, layer, prompts, *seen)

    def finish_both(self: Any) -> None:
        beside.finish_step()
        finish_step(self)

    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "add", add_both)
        patch.setattr(statistics, "finish_step", finish_both)
        profile(host)
        return masks_of(core, beside.sensitivities())


@pytest.mark.parametrize("device", ["cpu", "card"])
def test_masks_are_those_of_the_readable_form(
    host: Any, extension: Any, readable: Masks, device: str, request: pytest.FixtureRequest
) -> None:
    if device == "card":
        request.getfixturevalue("as_on_a_card")
    core = extension.module("fia_core")
    overlap = least_overlap(masks_of_profile(core, profile(host)), readable)
    print(f"overlap on a {device}: {overlap:.6f}")
    assert overlap >= 0.9999
