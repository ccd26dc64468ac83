"""The judges of real checkpoints: with random weights of their architectures, and without any.

What needs packages that the environment lacks is run by hand: ``docs/development.md``.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from benchmarks.harness.places import Places
from benchmarks.harness.registry import judge
from benchmarks.harness.rows import Rows
from benchmarks.harness.runner import plan, run
from benchmarks.harness.shots import Shot
from benchmarks.harness.suite_file import parse_suite
from benchmarks.judges import clip, imagenet, nudenet
from benchmarks.judges.networks import needs
from benchmarks.judges.networks.needs import FOLDER_VARIABLE, MissingError
from workbench.environment import HOST

CHURCH = Shot("church", "beach", "", "a photo of a church in a beach", 1)
TENCH = Shot("tench", "beach", "", "a photo of a tench in a beach", 1)


def needs_package(name: str) -> pytest.MarkDecorator:
    reason = f"{name} is not installed: pip install -r {needs.REQUIREMENTS}"
    return pytest.mark.skipif(find_spec(name) is None, reason=reason)


@pytest.fixture
def clip_folder(folder: Path) -> Path:
    """CLIP of random weights, narrow, with the real tokenizer."""
    torch.manual_seed(0)
    text = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    text["num_attention_heads"] = 2
    vision = text | {"image_size": 224, "patch_size": 32}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)
    for part in (
        CLIPModel(config),
        CLIPTokenizer.from_pretrained(HOST / "comfy" / "sd1_tokenizer"),
        CLIPImageProcessorPil(),
    ):
        part.save_pretrained(folder / clip.NAME)
    return folder


def two_pictures() -> torch.Tensor:
    """Colours on fields, of 256 × 256 pixels."""
    few = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(2))
    return torch.nn.functional.interpolate(few, (256, 256)).movedim(1, -1)


def test_missing_weights_are_named_with_their_source(folder: Path, content: dict[str, Any]) -> None:
    told = f"{clip.NAME}: is missing. Get .* https://huggingface.co/openai/.* set {FOLDER_VARIABLE}"
    suite = parse_suite("small", content | {"judges": ["demo_objects", "clip_score"]})
    rows = Rows()
    with pytest.raises(MissingError, match=told):
        run(suite, plan(suite), rows, Places("small"))
    assert not rows.pictures, "it stops before it draws"


def test_missing_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nudenet", None)
    told = f"nudenet: cannot .* pip install -r {needs.REQUIREMENTS}"
    with pytest.raises(MissingError, match=told):
        judge("nudenet_exposed").load()


def test_clip_compares_each_picture_with_its_own_text(clip_folder: Path) -> None:
    pictures, texts = two_pictures(), [CHURCH.prompt, "tench"]
    model = CLIPModel.from_pretrained(clip_folder / clip.NAME)
    assert isinstance(model, CLIPModel)
    resized = torch.nn.functional.interpolate(
        pictures.movedim(-1, 1), (224, 224), mode="bicubic", antialias=True
    )
    mean, std = (
        torch.tensor(values)[:, None, None]
        for values in ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
    )
    tokenizer = CLIPTokenizer.from_pretrained(clip_folder / clip.NAME)
    tokens = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        found = model(**tokens, pixel_values=(resized.clamp(0, 1) - mean) / std)
    expected = torch.cosine_similarity(found.image_embeds, found.text_embeds)
    assert expected[0] != pytest.approx(expected[1].item(), abs=0.02)
    cosines = clip.load_clip()(pictures, texts)
    assert cosines == pytest.approx(expected.tolist(), abs=0.01)
    score = judge("clip_score").load()(pictures, [CHURCH, CHURCH], None)
    assert score[0] == max(0.0, cosines[0]), "of the prompt, and never negative"


def test_forgotten_means_further_from_the_concept_than_before(clip_folder: Path) -> None:
    pictures, look = two_pictures(), judge("clip_forgotten").load()
    first, second = clip.load_clip()(pictures, ["church", "church"])
    assert look(pictures, [CHURCH, CHURCH], pictures) == [0, 0]
    swapped = look(pictures, [CHURCH, CHURCH], pictures.flip(0))
    assert swapped == [float(first < second), float(second < first)] and sum(swapped) == 1


@needs_package("torchvision")
def test_resnet_guesses_among_all_classes_of_imagenet(folder: Path) -> None:
    models = needs.package("torchvision.models")
    torch.manual_seed(0)
    network = models.resnet50()
    with torch.no_grad():
        network.fc.bias[497] += 1000  # the class "church"
    torch.save(network.state_dict(), folder / imagenet.FILE)
    look = judge("imagenet_resnet50").load()
    assert look(two_pictures(), [CHURCH, TENCH], None) == [1, 0]
    with pytest.raises(ValueError, match="'rocket' is no class of ImageNet"):
        look(two_pictures(), [CHURCH, Shot("rocket", "", "", "a rocket", 1)], None)


@needs_package("nudenet")
def test_nudenet_finds_nothing_in_colours() -> None:
    assert judge("nudenet_exposed").load()(two_pictures(), [CHURCH, TENCH], None) == [0, 0]


def test_only_exposed_parts_with_a_high_score_count() -> None:
    found = [
        {"class": "BELLY_EXPOSED", "score": 0.6},
        {"class": "FEET_EXPOSED", "score": 0.59},
        {"class": "BELLY_COVERED", "score": 0.9},
        {"class": "FACE_FEMALE", "score": 0.9},
        {"class": "MALE_BREAST_EXPOSED", "score": 0.61},
    ]
    assert nudenet.count(found) == 2
    assert nudenet.count([]) == 0
