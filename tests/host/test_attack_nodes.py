"""The learned embedding in the real host: its error falls, the host reads it, models stay."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comfy.utils
import folder_paths
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from conftest import REPOSITORY
from graphs import Graph, GraphError, Host
from peers import draw
from tiny_model import TinyModel, tiny_sd2

import nodes

INPUTS = {
    "concept": "a church",
    "templates": "a photo of {concept} in a park\n{concept} near a forest",
    "pictures": 1,
    "iterations": 2,
    "learning_rate": 1e-2,
    "batch_size": 2,
    "seed": 7,
    "steps": 2,
    "cfg": 2.0,
    "sampler": "euler",
    "scheduler": "normal",
    "width": 64,
    "height": 64,
}


@pytest.fixture(scope="module", autouse=True)
def attack_nodes(extension: Any) -> None:
    pack = REPOSITORY / "benchmarks" / "attack_nodes"
    assert asyncio.run(nodes.load_custom_node(str(pack))), "the host's log has the reason"


@pytest.fixture(autouse=True)
def embeddings() -> Iterator[Path]:
    """The host's folder of embeddings, empty before and after."""
    folder = Path(folder_paths.get_folder_paths("embeddings")[0])
    shutil.rmtree(folder, ignore_errors=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def inversion(extension: Any) -> Any:
    return extension.module("benchmarks.attack_nodes.textual_inversion")


def learned(
    host: Host, original: ModelPatcher, model: ModelPatcher, clip: Any, **inputs: Any
) -> str:
    """What the node gives: the text that stands for the concept."""
    host.forget()
    graph: Graph = {
        "original": host.source(original),
        "model": host.source(model),
        "clip": host.source(clip),
        "attack": {
            "class_type": "FIABenchLearnEmbedding",
            "inputs": {
                "original": ["original", 0],
                "model": ["model", 0],
                "clip": ["clip", 0],
                **INPUTS,
                **inputs,
            },
        },
    }
    return host.run(graph, "attack")[0]


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


@pytest.mark.parametrize("family", ["SD 1.x", "SD 2.x"])
def test_prompts_are_encoded_as_the_host_does(
    extension: Any, tiny: TinyModel, embeddings: Path, family: str
) -> None:
    clip = tiny.clip if family == "SD 1.x" else tiny_sd2().clip
    module = extension.module("benchmarks.attack_nodes.training_text_encoder")
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


@pytest.mark.parametrize("family", ["SD 1.x", "SD 2.x"])
def test_the_error_falls(extension: Any, tiny: TinyModel, family: str) -> None:
    """Pictures of one thing, an embedding that starts at another."""
    parts = tiny if family == "SD 1.x" else tiny_sd2()
    node = extension.module("benchmarks.attack_nodes.learn_embedding_node")
    encoders = extension.module("benchmarks.attack_nodes.training_text_encoder")
    inversion = extension.module("benchmarks.attack_nodes.textual_inversion")
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
        found = attack.run(initial, inversion.LearningSettings(40, 0.03, 4, 0))
        after = attack.error(found, rows, sigma, noise)
    assert found.shape == initial.shape
    assert after < before - 1e-3


def test_without_training_it_is_the_name(host: Host, embeddings: Path) -> None:
    """The demo model's own text encoder finds the file and reads it as the words that it is."""
    model, clip, _ = nodes.NODE_CLASS_MAPPINGS["FIADemoModel"].execute().result
    text = learned(host, model, model, clip, iterations=0, width=128, height=128)
    assert (embeddings / f"{text.removeprefix('embedding:')}.safetensors").exists()
    prompts = (f"a photo of {text} in a beach", "a photo of a church in a beach")
    by_file, by_name = (clip.encode_from_tokens(clip.tokenize(prompt)) for prompt in prompts)
    assert torch.allclose(by_file, by_name, atol=1e-5)
    other = clip.encode_from_tokens(clip.tokenize("a photo of a cat in a beach"))
    assert not torch.allclose(other, by_name, atol=1e-2)


def test_it_is_learned_once_for_the_same_weights(
    host: Host, tiny: TinyModel, embeddings: Path
) -> None:
    first = learned(host, tiny.model, tiny.model, tiny.clip)
    (file,) = embeddings.rglob("*.safetensors")
    written = file.stat().st_mtime_ns
    # a model that only samples otherwise has the same weights
    steered = tiny.model.clone()
    steered.set_model_sampler_post_cfg_function(lambda given: given["denoised"])
    assert learned(host, tiny.model, steered, tiny.clip) == first
    assert file.stat().st_mtime_ns == written
    changed = tiny.model.clone()
    name = next(name for name in tiny.model.get_key_patches() if name.endswith("to_k.weight"))
    weight = changed.model.get_parameter(name)
    changed.add_patches({name: ("diff", (torch.ones_like(weight),))})
    assert learned(host, tiny.model, changed, tiny.clip) != first
    assert learned(host, tiny.model, tiny.model, tiny.clip, seed=8) != first


def test_the_model_and_the_text_encoder_stay(host: Host, tiny: TinyModel) -> None:
    plain = draw(host, tiny, tiny.model)
    learned(host, tiny.model, tiny.model, tiny.clip)
    assert torch.equal(draw(host, tiny, tiny.model), plain)
    for module in (tiny.model.model, tiny.clip.cond_stage_model):
        assert all(parameter.grad is None for parameter in module.parameters())


def test_an_interrupt_ends_the_learning_and_leaves_no_file(
    host: Host, tiny: TinyModel, embeddings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def on_progress(value: int, total: int, *_: Any, **__: Any) -> None:
        if (value, total) == (1, 50):  # hosts leave out some of the later reports
            nodes.interrupt_processing()

    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", on_progress)
    with pytest.raises(GraphError, match="execution_interrupted"):
        learned(host, tiny.model, tiny.model, tiny.clip, iterations=50)
    assert not list(embeddings.rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"templates": "church"}, "templates: 'church' has no"),
        ({"templates": "{concept}" + " park" * 80}, "too long"),
        ({"templates": "{concept}" + " park" * 74}, "too long"),  # the end would be cut off
    ],
    ids=["no placeholder", "two parts", "one token too long"],
)
def test_wrong_input_is_refused_by_name(
    host: Host, tiny: TinyModel, inputs: dict[str, Any], words: str
) -> None:
    with pytest.raises(GraphError, match=words):
        learned(host, tiny.model, tiny.model, tiny.clip, concept="a b", **inputs)


def test_two_text_encoders_are_refused(host: Host, tiny_sdxl: TinyModel) -> None:
    with pytest.raises(GraphError, match="SDXLClipModel is not the text encoder of a Stable"):
        learned(host, tiny_sdxl.model, tiny_sdxl.model, tiny_sdxl.clip)
