"""The learned embedding in the real host: its error falls, the host reads it, models stay."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy.utils
import folder_paths
import pytest
import torch
from comfy.model_management import InterruptProcessingException
from comfy.model_patcher import ModelPatcher
from forgetting import prompts
from graphs import Host, draw
from tiny_model import TinyModel

import nodes

LEARNING = {
    "templates": ("a photo of {concept} in a park", "{concept} near a forest"),
    "pictures": 1,
    "iterations": 2,
    "learning_rate": 1e-2,
    "batch_size": 2,
    "seed": 7,
}


@pytest.fixture(autouse=True)
def embeddings() -> Iterator[Path]:
    """The host's folder of embeddings, empty before and after."""
    folder = Path(folder_paths.get_folder_paths("embeddings")[0])
    shutil.rmtree(folder, ignore_errors=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def inversion(extension: Any) -> Any:
    return extension.module("benchmarks.forget.learned_embedding")


def learned(
    extension: Any,
    original: ModelPatcher,
    model: ModelPatcher,
    clip: Any,
    concept: str = "a church",
    side: int = 64,
    **changes: Any,
) -> str:
    """The text that stands for the concept."""
    learn = extension.module("benchmarks.forget.learned_embedding").learned_embedding
    sampling = prompts(extension, steps=2, cfg=2.0, width=side, height=side)
    return learn(original, model, clip, concept, sampling=sampling, **{**LEARNING, **changes})


def test_learning_ends_at_the_embedding_of_least_error(inversion: Any) -> None:
    wanted = torch.tensor([[1.0, -2.0], [0.5, 3.0]])

    def error(embedding: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return (embedding - wanted).square().mean()

    initial = torch.zeros(2, 2)
    settings = inversion.LearningSettings(400, 0.05, 1, 0)
    with torch.inference_mode(False), torch.enable_grad():
        found = inversion.learn_embedding(
            initial, torch.Size((3, 1, 2, 2)), torch.tensor([1.0]), error, settings, lambda: None
        )
    assert torch.allclose(found, wanted, atol=0.02)
    assert not initial.any()


@pytest.mark.parametrize("family", ["tiny", "tiny_sd2"])
def test_prompts_are_encoded_as_the_host_does(
    extension: Any, request: pytest.FixtureRequest, embeddings: Path, family: str
) -> None:
    clip = request.getfixturevalue(family).clip
    module = extension.module("benchmarks.forget.training_text_encoder")
    with torch.inference_mode(False):
        encoder = module.TrainingTextEncoder(clip)
        vectors = torch.randn(3, 32, generator=torch.Generator().manual_seed(1))
        got = encoder.encode(["a photo of * in a park", "*"], vectors)
    embeddings.mkdir(parents=True)
    comfy.utils.save_torch_file({encoder.key: vectors}, str(embeddings / "word.safetensors"))
    tokenizer = getattr(clip.tokenizer, clip.tokenizer.clip)
    tokenizer.embedding_directory = str(embeddings)
    for row, prompt in enumerate(["a photo of embedding:word in a park", "embedding:word"]):
        wanted: Any = clip.encode_from_tokens(clip.tokenize(prompt))
        assert torch.allclose(got[row], wanted[0], atol=1e-5)
    tokenizer.embedding_directory = None


@pytest.mark.parametrize("family", ["tiny", "tiny_sd2"])
def test_the_error_falls(extension: Any, request: pytest.FixtureRequest, family: str) -> None:
    """Pictures of one thing, an embedding that starts at another."""
    parts = request.getfixturevalue(family)
    node = extension.module("benchmarks.forget.learned_embedding")
    encoders = extension.module("benchmarks.forget.training_text_encoder")
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    nothing = parts.clip.encode_from_tokens_scheduled(parts.clip.tokenize(""))
    with torch.inference_mode(False), torch.enable_grad():
        encoder = encoders.TrainingTextEncoder(parts.clip)
        attack = node._Inversion(parts.model, encoder, ["a *", "*"], latents, nothing)
        rows = torch.tensor([0, 1] * 8)
        sigma = torch.linspace(0.5, 8, len(rows))
        noise = torch.randn(len(rows), 4, 8, 8, generator=torch.Generator().manual_seed(2))
        initial = encoder.vectors("a church")
        before = attack.error(initial, rows, sigma, noise)
        found = attack.run(initial, node.LearningSettings(40, 0.03, 4, 0))
        after = attack.error(found, rows, sigma, noise)
    assert found.shape == initial.shape
    assert after < before - 1e-3


def test_without_training_it_is_the_name(extension: Any, embeddings: Path) -> None:
    """The demo model's own text encoder finds the file and reads it as the words that it is."""
    model, clip, _ = nodes.NODE_CLASS_MAPPINGS["FIADemoModel"].execute().result
    text = learned(extension, model, model, clip, iterations=0, side=128)
    assert (embeddings / f"{text.removeprefix('embedding:')}.safetensors").exists()
    prompts = (f"a photo of {text} in a beach", "a photo of a church in a beach")
    by_file, by_name = (clip.encode_from_tokens(clip.tokenize(prompt)) for prompt in prompts)
    assert torch.allclose(by_file, by_name, atol=1e-5)
    other = clip.encode_from_tokens(clip.tokenize("a photo of a cat in a beach"))
    assert not torch.allclose(other, by_name, atol=1e-2)


def test_before_the_name_it_leaves_the_name(
    extension: Any, tiny: TinyModel, embeddings: Path
) -> None:
    alone, before = (
        learned(extension, tiny.model, tiny.model, tiny.clip, prefix=prefix)
        for prefix in (False, True)
    )
    assert len(list(embeddings.rglob("*.safetensors"))) == 2
    assert before.endswith(" a church") and not alone.endswith("church")


def test_it_is_learned_once_for_the_same_weights(
    extension: Any, tiny: TinyModel, embeddings: Path
) -> None:
    first = learned(extension, tiny.model, tiny.model, tiny.clip)
    (file,) = embeddings.rglob("*.safetensors")
    written = file.stat().st_mtime_ns
    # a model that only samples otherwise has the same weights
    steered = tiny.model.clone()
    steered.set_model_sampler_post_cfg_function(lambda given: given["denoised"])
    assert learned(extension, tiny.model, steered, tiny.clip) == first
    assert file.stat().st_mtime_ns == written
    changed = tiny.model.clone()
    name = next(name for name in tiny.model.get_key_patches() if name.endswith("to_k.weight"))
    weight = changed.model.get_parameter(name)
    changed.add_patches({name: ("diff", (torch.ones_like(weight),))})
    assert learned(extension, tiny.model, changed, tiny.clip) != first
    assert learned(extension, tiny.model, tiny.model, tiny.clip, seed=8) != first


def test_the_model_and_the_text_encoder_stay(extension: Any, host: Host, tiny: TinyModel) -> None:
    plain = draw(host, tiny, tiny.model)
    learned(extension, tiny.model, tiny.model, tiny.clip)
    assert torch.equal(draw(host, tiny, tiny.model), plain)
    for module in (tiny.model.model, tiny.clip.cond_stage_model):
        assert all(parameter.grad is None for parameter in module.parameters())


def test_an_interrupt_ends_the_learning_and_leaves_no_file(
    extension: Any, tiny: TinyModel, embeddings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_progress(value: int, total: int, *_: Any, **__: Any) -> None:
        if (value, total) == (1, 50):  # hosts leave out some of the later reports
            nodes.interrupt_processing()

    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", on_progress)
    with pytest.raises(InterruptProcessingException):
        learned(extension, tiny.model, tiny.model, tiny.clip, iterations=50)
    assert not list(embeddings.rglob("*.safetensors"))


@pytest.mark.parametrize("words", [80, 74], ids=["two parts", "the end would be cut off"])
def test_a_prompt_that_is_too_long_is_refused(extension: Any, tiny: TinyModel, words: int) -> None:
    template = "{concept}" + " park" * words
    with pytest.raises(ValueError, match="too long"):
        learned(extension, tiny.model, tiny.model, tiny.clip, "a b", templates=(template,))


def test_two_text_encoders_are_refused(extension: Any, tiny_sdxl: TinyModel) -> None:
    with pytest.raises(ValueError, match="SDXLClipModel is not the text encoder of a Stable"):
        learned(extension, tiny_sdxl.model, tiny_sdxl.model, tiny_sdxl.clip)
