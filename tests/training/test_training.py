"""Every training takes steps, goes on as if it had never stopped, and ends in a file that the
host draws with."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import REPOSITORY, TINY
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from demo_model.judge import load_judge
from demo_model.loader import WEIGHTS, DemoModel, load_demo_model
from demo_model.vocabulary import OBJECTS, STYLES
from training.autoencoder import encode_pictures, train_autoencoder
from training.denoiser import Denoiser
from training.draw import draw, fixed_prompts
from training.export import export_twin, read_part
from training.judges.train import train_judges, train_transformer
from training.networks import build
from training.pictures.dataset import load_contents
from training.pictures.render import draw_contents
from training.planted import train_demo_model, train_denoiser
from training.recipes import RECIPES, Recipe
from training.twin import train_twin


def copy_of(pictures: Path, folder: Path) -> Path:
    """A folder with the same files."""
    folder.mkdir()
    for file in pictures.iterdir():
        os.link(file, folder / file.name)
    return folder


@pytest.fixture(scope="session")
def encoded(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same data set with the latents that every twin learns from."""
    folder = copy_of(pictures, tmp_path_factory.mktemp("encoded") / "pictures")
    encode_pictures(folder, read_part(WEIGHTS, "autoencoder"))
    return folder


def train_planted(folder: Path, steps: int) -> None:
    contents = load_contents(folder)
    noise = np.random.default_rng(0).normal(size=(len(contents), 8, 16, 16))
    train_denoiser(folder, torch.tensor(noise).half(), contents, steps)


def train_recipe(recipe: str, folder: Path, seed: int, steps: int) -> Path:
    """A recipe, after a step of its teacher where it has one."""
    if teacher := RECIPES[recipe].teacher:
        train_twin(teacher, folder, seed, steps=1)
    return train_twin(recipe, folder, seed, steps)


TRAININGS: dict[str, Callable[[Path, int], object]] = {
    "autoencoder": train_autoencoder,
    "denoiser": train_planted,
    "transformer": lambda folder, steps: train_transformer(folder, 40, steps),
    "twin-1": lambda folder, steps: train_recipe("twin", folder, 1, steps),
    "twin-lumina-fast-1": lambda folder, steps: train_recipe("twin-lumina-fast", folder, 1, steps),
}
"""By their checkpoints: what trains on a folder's pictures up to a step."""


@pytest.mark.parametrize("title", TRAININGS)
def test_a_resumed_training_is_the_unbroken_one(title: str, encoded: Path, tmp_path: Path) -> None:
    whole, parts = (copy_of(encoded, tmp_path / name) for name in ("whole", "parts"))
    TRAININGS[title](whole, 2)
    TRAININGS[title](parts, 1)
    torch.manual_seed(99)
    TRAININGS[title](parts, 2)
    one, other = (torch.load(it / f"{title}.pt", weights_only=True) for it in (whole, parts))
    assert one["step"] == other["step"] == 2
    for part in ("model", "average"):
        for name, value in one[part].items():
            assert torch.equal(value, other[part][name]), name


def require_a_picture(file: Path) -> None:
    drawn = draw(load_demo_model(file), fixed_prompts()[-1:], seed=0)
    assert drawn.shape == (1, 128, 128, 3) and drawn.isfinite().all()


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_host_draws_with_a_trained_recipe(recipe: str, encoded: Path, tmp_path: Path) -> None:
    folder = copy_of(encoded, tmp_path / "twins")
    file = train_recipe(recipe, folder, seed=0, steps=1)
    with safe_open(file, "pt") as opened:
        notes = opened.metadata()
    assert (notes["world"], notes["seed"], notes["samples"]) == ("bundled", "0", "32")
    require_a_picture(file)


def test_the_host_draws_with_a_new_demo_model(pictures: Path, tmp_path: Path) -> None:
    folder = copy_of(pictures, tmp_path / "demo-model")
    file = train_demo_model(folder, steps=1)
    shapes = [{name: it.shape for name, it in load_file(one).items()} for one in (file, WEIGHTS)]
    assert shapes[0] == shapes[1]
    require_a_picture(file)


def test_both_judges_can_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train_judges(tmp_path, renders=40, steps=1, unseen=10)
    assert capsys.readouterr().out.count("exactly what is there") == 6
    judge = load_judge(tuple(OBJECTS), STYLES, tmp_path / "judge.safetensors")
    assert set(judge.name_objects(torch.rand(2, 128, 128, 3))) <= {*judge.objects}


def stirred(recipe: Recipe) -> dict[str, Tensor]:
    """Weights of which none is zero, as after training."""
    torch.manual_seed(0)
    weights = {name: value.detach() for name, value in build(recipe).named_parameters()}
    for value in weights.values():
        if not value.any():
            torch.nn.init.normal_(value, std=0.05)
    return weights


def hosted(recipe: Recipe, file: Path) -> tuple[Denoiser, DemoModel]:
    """The same weights in training and in the host."""
    denoiser = export_twin(recipe, stirred(recipe), file, torch.float32)
    return denoiser, load_demo_model(file)


def encode(demo: DemoModel, text: str) -> Tensor:
    context: Any = demo.clip.encode_from_tokens(demo.clip.tokenize(text))
    return context


def test_the_hosts_text_encoder_is_the_trained_one(tmp_path: Path) -> None:
    denoiser, demo = hosted(TINY, tmp_path / "tiny.safetensors")
    halved = denoiser.text.half().float()  # as the host keeps it
    for text in ("", "a photo of a garbage truck in a park"):
        with torch.no_grad():
            trained = halved([text])
        assert torch.allclose(encode(demo, text), trained, atol=1e-5)
    unknown, other = encode(demo, "a zebra"), encode(demo, "a lighthouse")
    assert torch.equal(unknown[:, 2], other[:, 2])  # such words mean nothing


@pytest.mark.parametrize("recipe", [TINY, RECIPES["twin-auraflow"], RECIPES["twin-lumina"]])
def test_the_host_denoises_as_training_does(recipe: Recipe, tmp_path: Path) -> None:
    """The host shows the network what training shows it, and its answer is the clean latent that
    the training's loss compares."""
    denoiser, demo = hosted(recipe, tmp_path / "model.safetensors")
    flow = recipe.network != "unet"
    sampling: Any = demo.model.get_model_object("model_sampling")
    steps, names = torch.tensor([300, 800]), ["a photo of a cat", "a photo of a car in a park"]
    if flow:
        steps = steps - 1  # the first level of the flow is 1, the first step of training 0
    levels = sampling.sigma((steps + 1) / 1000 if flow else steps.float())
    contexts = torch.cat([encode(demo, text) for text in names])
    clean, noise = torch.randn(2, 2, 8, 16, 16, generator=torch.Generator().manual_seed(1))
    noisy = torch.stack(
        [
            sampling.noise_scaling(level, n, c)
            for level, n, c in zip(levels, noise, clean, strict=True)
        ]
    )
    seen: list[tuple[Tensor, Tensor]] = []
    model: Any = demo.model.model
    for network in (model.diffusion_model, denoiser.network):
        network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[:2]))
    with torch.no_grad():
        answer = model.apply_model(noisy, levels, c_crossattn=contexts, **denoiser.options)
        error = (answer - clean).square().mean((1, 2, 3))
        losses = denoiser.losses(clean, steps, noise, names)
    (host_noisy, host_steps), (trained_noisy, trained_steps) = seen
    assert torch.allclose(host_noisy, trained_noisy, atol=1e-5)
    assert torch.allclose(host_steps, trained_steps)
    if flow:
        expected = error / levels.square()  # x0's error is the velocity's times σ
    else:
        expected = error / (1 - 1 / (1 + levels.square())).clamp_min(0.3)
    assert torch.allclose(losses, expected, rtol=0.03)  # training works in bfloat16


def test_the_bundled_models_pictures_stay_as_they_were() -> None:
    """The seed's contents as they were drawn for the model in the repository."""
    drawn = draw_contents(300, np.random.default_rng(0))
    text = repr([(content.scene, content.objects, content.style) for content in drawn])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "850303848018a7a5"


@pytest.mark.parametrize("what", ["twin", "judges"])
def test_a_missing_font_is_said_in_a_line(what: str, tmp_path: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "training" / "start.py"), what]
    variables = os.environ | {"FIA_FONT": str(tmp_path / "NotoColorEmoji.ttf")}
    command += ["--work", str(tmp_path)]
    refused = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"The font Noto Color Emoji is not at {tmp_path}")
    assert "apt-get install fonts-noto-color-emoji" in refused.stderr
    assert refused.stderr.count("\n") == 1
