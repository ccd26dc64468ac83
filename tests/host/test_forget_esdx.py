"""ESD-x in the real host: it learns its target, in cross-attention only, and leaves no trace."""

from typing import Any

import comfy.utils
import pytest
import torch
from comfy.model_management import InterruptProcessingException
from comfy.model_patcher import ModelPatcher
from forgetting import after
from graphs import Host, draw
from tiny_model import TinyModel

import nodes

INPUTS = {
    "templates": ("{concept}",),
    "iterations": 2,
    "learning_rate": 1e-3,
    "negative_guidance": 1.0,
    "start_guidance": 3.0,
    "schedule_steps": 4,
    "batch_size": 2,
    "seed": 7,
    "width": 64,
    "height": 64,
}


@pytest.fixture(scope="module")
def esdx(extension: Any) -> Any:
    return extension.module("benchmarks.forget.esdx")


def trained(extension: Any, tiny: TinyModel, **inputs: Any) -> ModelPatcher:
    return after(extension, "esdx.esdx", tiny, **{**INPUTS, **inputs}).model


def differences(model: ModelPatcher) -> dict[str, torch.Tensor]:
    """What the patches add, by the weight's name."""
    return {name: patch[1][0] for name, ((_, patch, *_),) in model.patches.items()}


class Table:
    """A denoiser that answers to every prompt with one number, whatever the latent is."""

    def __init__(self, answers: torch.Tensor) -> None:
        self.answers = answers

    def predict(
        self, parameters: Any, x: torch.Tensor, sigma: torch.Tensor, prompts: torch.Tensor
    ) -> torch.Tensor:
        answers = parameters.get("answers", self.answers)
        return answers[prompts].reshape(-1, 1, 1, 1).expand_as(x)

    denoise = predict


def test_training_ends_at_the_target(esdx: Any) -> None:
    with torch.inference_mode(False), torch.enable_grad():
        answers = torch.tensor([1.0, 3.0, 0.5])
        settings = esdx.TrainingSettings(400, 0.05, 0.5, 3.0, 1, 0)
        result = esdx.fine_tune(
            Table(answers),
            {"answers": answers},
            lambda noise: noise,
            (1, 2, 2),
            torch.tensor([4.0, 2.0, 1.0, 0.0]),
            2,
            settings,
            lambda: None,
        )
    # the empty prompt stays; the others go as far beyond it as half their distance
    wanted = torch.tensor([1.0, 1 - 0.5 * 2, 1 + 0.5 * 0.5])
    assert torch.allclose(result["answers"], wanted, atol=0.05)
    assert torch.equal(answers, torch.tensor([1.0, 3.0, 0.5]))


@pytest.mark.parametrize("family", ["tiny", "tiny_sd2", "tiny_sdxl"])
def test_the_copy_answers_as_the_host_does(
    extension: Any, request: pytest.FixtureRequest, family: str
) -> None:
    parts = request.getfixturevalue(family)
    conditioning = extension.module("nodes.host.denoising.conditioning")
    prompts = conditioning.stack_prompts(
        conditioning.encode_prompts(parts.clip, ["", "a church in a park"])
    )
    with torch.inference_mode(False):
        module = extension.module("benchmarks.forget.training_denoiser")
        copy = module.TrainingDenoiser(parts.model, prompts, torch.zeros(1, 4, 8, 8))
        x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
        got = copy.denoise({}, x, torch.tensor([2.0]), torch.tensor([1]))
    given = {name: value[1:] for name, value in copy._inputs.items()}
    wanted = parts.model.model.apply_model(x, torch.tensor([2.0]), **given)
    assert torch.allclose(got, wanted, atol=1e-4)


def test_the_model_comes_nearer_to_the_target(extension: Any, esdx: Any, tiny: TinyModel) -> None:
    module = extension.module("benchmarks.forget.training_denoiser")
    conditioning = extension.module("nodes.host.denoising.conditioning")
    prompts = conditioning.stack_prompts(conditioning.encode_prompts(tiny.clip, ["", "church"]))
    x = torch.randn(4, 4, 8, 8, generator=torch.Generator().manual_seed(1))

    def answer(model: ModelPatcher, prompt: int) -> torch.Tensor:
        copy = module.TrainingDenoiser(model, prompts, torch.zeros(1, 4, 8, 8))
        return copy.predict({}, x, torch.full((4,), 3.0), torch.full((4,), prompt))

    with torch.inference_mode(False), torch.no_grad():
        target = esdx.erasing_target(answer(tiny.model, 0), answer(tiny.model, 1), 1.0)
        before = (answer(tiny.model, 1) - target).norm()
    changed = trained(extension, tiny, iterations=30, learning_rate=1e-4)
    with torch.inference_mode(False), torch.no_grad():
        after = (answer(changed, 1) - target).norm()
    assert after < 0.5 * before


def test_only_cross_attention_changes_and_the_model_stays(
    extension: Any, host: Host, tiny: TinyModel
) -> None:
    plain = draw(host, tiny, tiny.model)
    changed = trained(extension, tiny)
    assert changed.patches and all(".attn2." in name for name in changed.patches)
    assert not torch.equal(draw(host, tiny, changed), plain)
    assert torch.equal(draw(host, tiny, tiny.model), plain)
    assert all(parameter.grad is None for parameter in tiny.model.model.parameters())


def test_the_seed_decides(extension: Any, tiny: TinyModel) -> None:
    one, again, other = (
        differences(trained(extension, tiny, seed=seed, schedule_steps=2)) for seed in (1, 1, 2)
    )
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("inputs", [{"iterations": 0}, {"learning_rate": 0.0}], ids=str)
def test_no_training_leaves_no_patch(
    extension: Any, tiny: TinyModel, inputs: dict[str, Any]
) -> None:
    assert not trained(extension, tiny, **inputs).patches


def test_an_interrupt_ends_the_training(
    extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []

    def on_progress(value: int, *_: Any, **__: Any) -> None:
        steps.append(value)
        if value == 1:  # hosts leave out some of the later reports
            nodes.interrupt_processing()

    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", on_progress)
    with pytest.raises(InterruptProcessingException):
        trained(extension, tiny, iterations=50)
    assert steps == [1]


def test_sdxl_is_trained_too(extension: Any, tiny_sdxl: TinyModel) -> None:
    assert trained(extension, tiny_sdxl, iterations=1).patches


def test_a_prompt_that_is_too_long_is_refused(extension: Any, tiny: TinyModel) -> None:
    with pytest.raises(ValueError, match="too long"):
        trained(extension, tiny, templates=("{concept} " * 80,))
