"""The learned embedding in the real host: its error falls, and the host reads it."""

from pathlib import Path
from typing import Any

import comfy.utils
import pytest
import torch

COPIES = "benchmarks.forget.training_copies"
LEARNING: dict[str, Any] = {
    "templates": ("a photo of {concept} in a park", "{concept} near a forest"),
    "pictures": 1,
    "iterations": 40,
    "learning_rate": 0.03,
    "batch_size": 4,
    "seed": 0,
}


@pytest.mark.parametrize("family", ["tiny", "tiny_sd2"])
def test_prompts_are_encoded_as_the_host_does(
    extension: Any, request: pytest.FixtureRequest, tmp_path: Path, family: str
) -> None:
    clip = request.getfixturevalue(family).clip
    with torch.inference_mode(False):
        encoder = extension.module(COPIES).TrainingTextEncoder(clip)
        vectors = torch.randn(3, 32, generator=torch.Generator().manual_seed(1))
        got = encoder.encode(["a photo of * in a park", "*"], vectors)
    comfy.utils.save_torch_file({encoder.key: vectors}, str(tmp_path / "word.safetensors"))
    tokenizer = getattr(clip.tokenizer, clip.tokenizer.clip)
    tokenizer.embedding_directory = str(tmp_path)
    for row, prompt in enumerate(["a photo of embedding:word in a park", "embedding:word"]):
        wanted: Any = clip.encode_from_tokens(clip.tokenize(prompt))
        assert torch.allclose(got[row], wanted[0], atol=1e-5)
    tokenizer.embedding_directory = None


@pytest.mark.parametrize("family", ["tiny", "tiny_sd2"])
def test_the_error_falls(extension: Any, request: pytest.FixtureRequest, family: str) -> None:
    """Pictures of one thing, an embedding that starts at another."""
    inversion = extension.module("benchmarks.forget.learned_embedding")
    parts = request.getfixturevalue(family)
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode(False), torch.enable_grad():
        encoder = extension.module(COPIES).TrainingTextEncoder(parts.clip)
        attack = inversion.Inversion(parts.model, encoder, ["a *", "*"], latents)
        rows, sigma = torch.tensor([0, 1] * 8), torch.linspace(0.5, 8, 16)
        noise = torch.randn(16, 4, 8, 8, generator=torch.Generator().manual_seed(2))
        initial = encoder.vectors("a church")
        before = attack.error(initial, rows, sigma, noise)
        found = attack.run(initial, inversion.Learning(**LEARNING))
        after = attack.error(found, rows, sigma, noise)
    assert found.shape == initial.shape and after < before - 1e-3
