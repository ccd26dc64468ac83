"""Methods as functions in the real host: each takes its settings and draws, as graphs would."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ALL_SUITES, suite_name
from PIL import Image
from safetensors.torch import load_file, save_file

from benchmarks.harness import registry
from benchmarks.harness.sampling import DEMO_METHODS
from benchmarks.harness.suite import Entry, SuiteError
from benchmarks.harness.suite_file import load_suite, parse_suite
from workbench.environment import ROOT
from workbench.erasure import Case, Shot, evaluation_graph
from workbench.graph import to_api
from workbench.in_process import Extension

FORGOTTEN = ("church", "golf ball")
PROMPT, SEED = "a photo of a church in a desert", 1
FEW: dict[str, Any] = {"contexts": ["park", "room"], "profile_steps": 1, "use_cache": False}


def entry(use: str, **settings: Any) -> Entry:
    return Entry.model_validate({"use": use, **settings})


def makes_a_mask(use: str) -> bool:
    """Whether a method profiles and masks, as the paper's does."""
    ours = registry.method(use).kind in ("ours", "ablation") and use != "forget_lora"
    return ours or use == "concept_prune"


def few(use: str) -> Entry:
    """A method in a form that takes little time."""
    cached = registry.method(use).cached
    settings = {key: value for key, value in FEW.items() if key != "use_cache" or cached}
    return entry(use, **(settings if makes_a_mask(use) else {}))


def drawn(hosted: Any, erased: Any, *start: Image.Image) -> Image.Image:
    """One picture."""
    return hosted.draw(erased, [PROMPT], [SEED], start)[0]


def levels(picture: Image.Image) -> Any:
    return np.asarray(picture, dtype=float)


@pytest.fixture(scope="module")
def plain(hosted: Any) -> Any:
    """The base model's picture."""
    return levels(drawn(hosted, hosted.erased(entry("base"), ())))


@pytest.mark.parametrize("use", registry.methods())
def test_every_method_draws_its_own_picture(hosted: Any, plain: Any, use: str) -> None:
    erased = hosted.erased(few(use), FORGOTTEN)
    changed = levels(drawn(hosted, erased))
    assert plain.shape == (128, 128, 3) and plain.std() > 10, "there is something in the picture"
    assert (np.abs(changed - plain).mean() > 0.1) == (use != "base")
    assert (erased.mask is not None) == makes_a_mask(use)


def test_the_shipped_graph_draws_the_functions_picture(hosted: Any) -> None:
    """The nodes by the host's own executor, byte for byte."""
    sys.path.append(str(ROOT / "tests" / "host"))
    from graphs import Host, nodes  # pyright: ignore[reportMissingImports]

    by_function = drawn(hosted, hosted.erased(entry("fia", **FEW), FORGOTTEN))
    page, known = page_workflow("forget_with_demo_model"), nodes.NODE_CLASS_MAPPINGS
    page["nodes"] = [node for node in page["nodes"] if node["type"] in known]
    info = {
        type: {"input": known[type].INPUT_TYPES(), "display_name": type}
        for type in {node["type"] for node in page["nodes"]}
    }
    workflow = to_api(page, info)
    asked = [Shot("church", "desert", SEED)]
    graph = evaluation_graph(workflow, Case(FORGOTTEN, 1.0), asked)
    assert asked[0].prompt == PROMPT
    few = FEW | {"contexts": "\n".join(FEW["contexts"])}
    for node in graph.values():
        changes = {"FIAProfileConcept": few, "KSampler": {"steps": 2}}
        node["inputs"] |= changes.get(node["class_type"], {})
    (batch,) = Host().run(graph, "decode 0")
    by_graph = (255 * batch[0].numpy()).clip(0, 255).astype(np.uint8)
    assert np.array_equal(by_graph, np.asarray(by_function))


def page_workflow(name: str) -> dict[str, Any]:
    return json.loads((ROOT / "workflows" / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("path", ALL_SUITES, ids=suite_name)
def test_methods_take_the_settings_of_every_suite(hosted: Any, path: Path) -> None:
    hosted.check(load_suite(path).entries)
    if path.parent.name != "suites":
        hosted.check(load_suite(path, dry_run=True).entries)


def test_a_file_of_the_demo_models_kind_brings_its_own_sizes(
    hosted: Any, extension: Extension, content: dict[str, Any], tmp_path: Path
) -> None:
    """Methods profile with the guidance of its pictures."""
    architecture = extension.module("demo_model.architecture")
    sizes = {"denoiser": architecture.DENOISER, "text_encoder": architecture.TEXT_ENCODER}
    file = tmp_path / "model.safetensors"
    metadata = {part: json.dumps(own) for part, own in sizes.items()}
    save_file(load_file(extension.module("demo_model.loader").WEIGHTS), file, metadata)
    suite = parse_suite("small", content | {"sampling": {"steps": 2, "cfg": 3.0}})
    model = type(hosted).of_suite(suite.model_copy(update={"checkpoint": file}), extension)
    assert model.defaults == {**DEMO_METHODS, "cfg": 3.0}
    plain = drawn(hosted.sampled_with({"cfg": 3.0}), hosted.erased(entry("base"), ()))
    assert np.array_equal(levels(drawn(model, model.erased(entry("base"), ()))), levels(plain))


def test_pictures_of_a_batch_are_those_of_each_alone(hosted: Any) -> None:
    """Also where one text has more tokens than the others."""
    erased = hosted.erased(entry("negative_prompt"), FORGOTTEN)
    texts = [PROMPT, "a photo of a cat in a park", " and ".join(["a cat"] * 12)]
    for count in (2, 3):
        together = hosted.draw(erased, texts[:count], [1, 2, 3][:count])
        for number, picture in enumerate(together):
            (alone,) = hosted.draw(erased, [texts[number]], [number + 1])
            assert np.abs(levels(picture) - levels(alone)).max() <= 1


def test_only_who_is_told_keeps(hosted: Any) -> None:
    told, untold = (
        hosted.erased(entry("fia", told=told, **FEW), FORGOTTEN, ("cat",)).mask.count
        for told in (True, False)
    )
    assert told < untold
    with pytest.raises(SuiteError, match="'nag' cannot be told what to keep; leave told out"):
        hosted.check([entry("nag", told=True)])


def test_brackets_are_words_and_no_weights(hosted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    conditioning = hosted.extension.module("nodes.host.denoising.conditioning")
    encode, encoded = conditioning.encode_prompts, []

    def watched(clip: Any, words: Any) -> Any:
        encoded.extend(words)
        return encode(clip, words)

    monkeypatch.setattr(conditioning, "encode_prompts", watched)
    hosted.draw(hosted.erased(entry("base"), ()), ["a photo of a cat (at night)"], [1])
    assert r"a photo of a cat \(at night\)" in encoded
