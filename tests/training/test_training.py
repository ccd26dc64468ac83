"""A training that goes on as if it had never stopped, and the screening around it."""

import argparse
import csv
from pathlib import Path
from typing import Any

import pytest
import screen
import torch
from conftest import TINY
from denoiser import plain_attention
from draw import load_model
from hosted import export_recipe, host_recipe
from judge import Judge
from loop import Schedule
from names import WORLD_A
from networks import build
from recipes import RECIPES, Recipe
from torch import Tensor
from train import Training, load_data
from train_judge import save
from vocabulary import STYLES

STEP = 32  # samples


@pytest.fixture(autouse=True)
def little_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.HELD_OUT", 48)


def state(file: Path) -> dict[str, Any]:
    return torch.load(file, weights_only=True)


def test_a_resumed_run_is_the_unbroken_one(data: Path, tmp_path: Path) -> None:
    loaded = load_data(data)
    Training(TINY, loaded, tmp_path / "whole.pt").advance(4 * STEP)
    Training(TINY, loaded, tmp_path / "parts.pt").advance(1 * STEP)
    torch.manual_seed(99)
    Training(TINY, loaded, tmp_path / "parts.pt").advance(4 * STEP)
    whole, parts = state(tmp_path / "whole.pt"), state(tmp_path / "parts.pt")
    assert whole["step"] == parts["step"] == 4
    for part in ("model", "average"):
        for name, value in whole[part].items():
            assert torch.equal(value, parts[part][name]), name


def test_training_ends_with_the_schedule(data: Path, tmp_path: Path) -> None:
    training = Training(TINY, load_data(data), tmp_path / "run.pt")
    training.advance(10_000)
    assert training.samples == TINY.samples


def test_another_seed_is_another_model(data: Path, tmp_path: Path) -> None:
    loaded = load_data(data)
    first, second = (Training(TINY, loaded, tmp_path / f"{seed}.pt", seed) for seed in (0, 1))
    for training in (first, second):
        training.advance(STEP)
    assert first.lately != second.lately


def test_a_frozen_text_encoder_stays_as_it_is(data: Path, tmp_path: Path) -> None:
    recipe = Recipe(channels=(1,), depths=(1,), text_width=64, text_trained=False, samples=160)
    training = Training(recipe, load_data(data), tmp_path / "run.pt")
    before = {name: p.clone() for name, p in training.denoiser.text.named_parameters()}
    training.advance(2 * STEP)
    for name, parameter in training.denoiser.text.named_parameters():
        assert torch.equal(parameter, before[name]), name


def test_the_rate_is_held_and_then_falls() -> None:
    schedule = Schedule(steps=1000, peak_rate=1.0, warm_up=100, held=0.8)
    assert schedule.rate(49) == pytest.approx(0.5)
    assert schedule.rate(100) == schedule.rate(800) == 1.0
    assert schedule.rate(900) == pytest.approx(0.5)
    assert schedule.rate(1000) == pytest.approx(0.01)


def stirred(recipe: Recipe) -> dict[str, Tensor]:
    """Weights of which none is zero, as after training."""
    torch.manual_seed(0)
    denoiser = build(recipe)
    weights = {name: value.detach() for name, value in denoiser.named_parameters()}
    for value in weights.values():
        if not value.any():
            torch.nn.init.normal_(value, std=0.05)
    return weights


def encode(clip: Any, text: str) -> Tensor:
    return clip.encode_from_tokens(clip.tokenize(text))


def test_the_hosts_text_encoder_is_the_trained_one() -> None:
    hosted = host_recipe(TINY, stirred(TINY))
    halved = hosted.denoiser.text.half().float()  # as the host keeps it
    for text in ("", "a photo of a police car in a park"):
        with torch.no_grad():
            trained = halved([text])
        assert torch.allclose(encode(hosted.clip, text), trained, atol=1e-5)
    unknown, other = encode(hosted.clip, "a zebra"), encode(hosted.clip, "a lighthouse")
    assert torch.equal(unknown[:, 2], other[:, 2])  # such words mean nothing


@pytest.mark.parametrize("recipe", [TINY, RECIPES["auraflow"]], ids=["unet", "auraflow"])
def test_the_host_denoises_as_training_does(recipe: Recipe) -> None:
    """The host shows the network what training shows it, and its answer is the clean latent that
    the training's loss compares."""
    hosted = host_recipe(recipe, stirred(recipe))
    sampling: Any = hosted.model.get_model_object("model_sampling")
    steps, names = torch.tensor([300, 800]), ["a photo of a cat", "a photo of a dog in a park"]
    if recipe.network == "auraflow":
        steps = steps - 1  # the first level of the flow is 1, the first step of training 0
    levels = sampling.sigma((steps + 1) / 1000 if recipe.network == "auraflow" else steps.float())
    contexts = torch.cat([encode(hosted.clip, text) for text in names])
    clean, noise = torch.randn(2, 2, 8, 16, 16, generator=torch.Generator().manual_seed(1))
    noisy = torch.stack(
        [
            sampling.noise_scaling(level, n, c)
            for level, n, c in zip(levels, noise, clean, strict=True)
        ]
    )
    seen: list[tuple[Tensor, Tensor]] = []
    for network in (hosted.model.model.diffusion_model, hosted.denoiser.network):
        network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[:2]))
    with torch.no_grad():
        answer = hosted.model.model.apply_model(noisy, levels, c_crossattn=contexts)
        error = (answer - clean).square().mean((1, 2, 3))
        losses = hosted.denoiser.losses(clean, steps, noise, names)
    (host_noisy, host_steps), (noisy, given_steps) = seen
    assert torch.allclose(host_noisy, noisy, atol=1e-5)
    assert torch.allclose(host_steps, given_steps)
    if recipe.network == "auraflow":
        expected = error / levels.square()  # x0's error is the velocity's times σ
    else:
        expected = error / (1 - 1 / (1 + levels.square())).clamp_min(0.3)
    assert torch.allclose(losses, expected, rtol=0.03)  # training works in bfloat16


def test_a_file_of_eight_bits_holds_the_same_network(tmp_path: Path) -> None:
    """Small enough for a repository, its autoencoder the bundled model's."""
    weights, latent = stirred(TINY), torch.randn(1, 8, 16, 16)
    answers, sizes = [], []
    for dtype in (torch.float32, torch.int8):
        file = tmp_path / "model.safetensors"
        export_recipe(TINY, weights, file, dtype)
        sizes.append(file.stat().st_size)
        model, clip, vae = load_model(file)
        context = encode(clip, "a photo of a cat")
        with torch.no_grad():
            answers.append(model.model.apply_model(latent, torch.ones(1), c_crossattn=context))
        assert vae.decode(latent).shape == (1, 128, 128, 3)
    assert sizes[1] < 0.3 * sizes[0]
    error = (answers[1] - answers[0]).norm() / answers[0].norm()
    assert 0 < error < 0.02


def test_plain_attention_is_attention() -> None:
    rows = torch.randn(3, 2, 5, 12, generator=torch.Generator().manual_seed(0))
    heads = rows.unflatten(-1, (3, 4)).transpose(2, 3)
    wanted = torch.nn.functional.scaled_dot_product_attention(heads[0], heads[1], heads[2])
    wanted = wanted.transpose(1, 2).flatten(2)
    given = plain_attention(None, rows[0], rows[1], rows[2], 3)
    assert torch.allclose(given, wanted, atol=1e-6)
    given = plain_attention(None, heads[0], heads[1], heads[2], 3, skip_reshape=True)
    assert torch.allclose(given, wanted, atol=1e-6)


def test_the_screening_goes_in_turns_and_is_not_repeated(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(screen.RECIPES, "unet", TINY)
    judge = tmp_path / "judge.safetensors"
    save(Judge(tuple(WORLD_A), STYLES), judge)
    wanted = argparse.Namespace(
        data=data, out=tmp_path, judge=judge, recipes=["unet"], turn=64, samples=128,
        pictures=12, seed=0,
    )  # fmt: skip
    screen.screen(wanted)
    table = tmp_path / "screening.csv"
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["recipe"], row["samples"]) for row in rows] == [("unet", "64"), ("unet", "128")]
    assert 0.5 < float(rows[-1]["loss"]) < 3 and float(rows[-1]["S(100%)"]) <= 1.5
    assert 0 <= float(rows[-1]["drawn"]) <= 1
    assert (tmp_path / "unet-0-128.png").exists()
    before = table.read_text()
    screen.screen(wanted)
    assert table.read_text() == before


def test_a_turn_is_a_whole_number_of_steps(data: Path, tmp_path: Path) -> None:
    wanted = argparse.Namespace(data=data, out=tmp_path, turn=100)
    with pytest.raises(ValueError, match="turn: 100 is no multiple of 32"):
        screen.screen(wanted)
