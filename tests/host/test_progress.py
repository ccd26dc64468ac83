"""What the page is told while concepts are profiled."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import comfy.utils
import folder_paths
import latent_preview
import pytest
import server
from comfy.cli_args import LatentPreviewMethod, args
from comfy.model_management import OOM_EXCEPTION
from graphs import profiled, watched
from tiny_families import FAMILIES
from tiny_model import TinyModel

PROMPTS, STEPS = 12, 3  # 4 contexts, without a concept and with each of two

Bar = list[tuple[int, int, Any]]
"""What the host's progress bar is told: now, total, preview."""
Texts = list[tuple[str, str]]
"""What the host's server is told to write into a node: text and node id."""


@pytest.fixture
def bar(monkeypatch: pytest.MonkeyPatch) -> Bar:
    """On newer hosts, too, nothing is left out."""
    told: Bar = []

    def hook(now: int, total: int, preview: Any, node_id: str | None = None) -> None:
        told.append((now, total, preview))

    monkeypatch.setattr(comfy.utils, "PROGRESS_BAR_HOOK", hook)
    for limit in ("PROGRESS_THROTTLE_MIN_INTERVAL", "PROGRESS_THROTTLE_MIN_PERCENT"):
        monkeypatch.setattr(comfy.utils, limit, float("-inf"), raising=False)
    return told


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> Texts:
    told: Texts = []
    monkeypatch.setattr(
        server.PromptServer.instance,
        "send_progress_text",
        lambda text, node_id, sid=None: told.append((text, node_id)),
    )
    return told


def profile(host: Any, tiny: TinyModel, **inputs: Any) -> None:
    profiled(host, tiny.model, tiny.clip, **{"concepts": "church\ncat"} | inputs)


def test_the_bar_counts_prompts_to_the_end(host: Any, tiny: TinyModel, bar: Bar) -> None:
    profile(host, tiny)
    # 3 prompts a call
    assert [now for now, _, _ in bar] == list(range(3, PROMPTS * STEPS + 1, 3))
    assert {total for _, total, _ in bar} == {PROMPTS * STEPS}


def test_the_text_names_concept_prompt_and_step(
    host: Any, tiny: TinyModel, texts: Texts, caplog: pytest.LogCaptureFixture
) -> None:
    profile(host, tiny)
    assert {node_id for _, node_id in texts} == {"profile"}
    lines = [text.split(" · about")[0] for text, _ in texts]
    first = ["encoding the prompts …", "reading the model's weights …", "loading the model …"]
    assert lines[:3] == first
    assert lines[3:7] == [
        "step 1 of 3 · without a concept\nprompt 3 of 4",
        "step 1 of 3 · church (1 of 2)\nprompt 2 of 4",
        "step 1 of 3 · cat (2 of 2)\nprompt 1 of 4",
        "step 1 of 3 · cat (2 of 2)\nprompt 4 of 4",
    ]
    assert lines[7].startswith("step 2 of 3 · without a concept")
    assert texts[-2][0].endswith("about 0 s left")
    end, doubt = texts[-1][0].split("\n")
    assert end.startswith("2 profiled in ")
    assert doubt == "⚠ Only 4 contexts: the result depends on chance."
    assert doubt.removeprefix("⚠ ") in caplog.text


def test_a_round_that_begins_again_is_counted_once(host: Any, tiny: TinyModel, bar: Bar) -> None:
    calls = 0

    def run(call: dict[str, Any]) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OOM_EXCEPTION("CUDA out of memory")

    profile(host, replace(tiny, model=watched(tiny.model, run)), batch_size=4)
    assert [now for now, _, _ in bar][:4] == [4, 8, 2, 4]
    assert bar[-1][:2] == (PROMPTS * STEPS, PROMPTS * STEPS)


def test_without_a_node_there_are_no_words(extension: Any, tiny: TinyModel, texts: Texts) -> None:
    request = extension.module("benchmarks.forget.settings").Prompts().request(["church"])
    progress = extension.module("nodes.host.denoising.progress").ProfileProgress(
        tiny.model, request, None
    )
    progress.say("something")
    progress.finish(cached=0, notes=[])
    assert not texts


@pytest.fixture
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The host's, where profiles are kept."""
    monkeypatch.setattr(folder_paths, "user_directory", str(tmp_path))
    return tmp_path


def test_what_is_looked_for_on_disk_is_told_at_once(
    host: Any, tiny: TinyModel, user_folder: Path, texts: Texts
) -> None:
    for _ in range(2):
        texts.clear()
        profile(host, tiny, use_cache=True)
        assert texts[0][0] == "reading the model's weights …"
    assert len(texts) == 2
    assert texts[1][0].startswith("2 from the cache")


def test_the_text_says_why_nothing_is_kept_on_disk(
    host: Any, tiny: TinyModel, user_folder: Path, texts: Texts
) -> None:
    foreign = tiny.model.clone()
    foreign.set_model_sampler_post_cfg_function(lambda arguments: arguments["denoised"])
    profile(host, replace(tiny, model=foreign), use_cache=True)
    _, end = texts[-1][0].split("\n")
    assert end.startswith("⚠ Not kept on disk: another node's code is in the model")
    assert "(model_options)" in end

    (user_folder / "__forget_it_all").write_text("a file where the folder should be")
    profile(host, tiny, use_cache=True)
    _, end = texts[-1][0].split("\n")
    assert end.startswith("⚠ Not kept on disk: ") and str(user_folder) in end


def test_five_contexts_are_enough(host: Any, tiny: TinyModel, texts: Texts) -> None:
    profile(host, tiny, contexts="a\nb\nc\nd\ne", concepts="church")
    assert "\n" not in texts[-1][0]


def test_a_doubt_has_a_line_of_its_own(
    host: Any, tiny_sdxl: TinyModel, texts: Texts, caplog: pytest.LogCaptureFixture
) -> None:
    profile(host, tiny_sdxl, concepts="church, cat", contexts="a\nb\nc\nd\ne")
    _, doubts = texts[-1][0].split("\n")
    assert doubts == (
        "⚠ 'church, cat' counts as one concept: write one a line. "
        "Profiled at 64 × 64: SDXL is made for 1024."
    )
    for doubt in doubts.split(". "):
        assert doubt.removeprefix("⚠ ") in caplog.text


def test_few_step_models_of_512_are_not_doubted(extension: Any, tiny_sdxl: TinyModel) -> None:
    doubts = extension.module("nodes.host.denoising.request").doubts
    assert doubts(tiny_sdxl.model, request(extension, cfg=1.0)) == []


def request(extension: Any, concept: str = "church", **changes: Any) -> Any:
    """As for SD 1.5: 512 × 512, cfg 7.5."""
    return extension.module("benchmarks.forget.settings").Prompts(**changes).request((concept,))


SIDES = {
    "SD3": "SD3 is made for 1024",
    "Flux": "FLUX.1 is made for 1024",
    "Flux.2": "FLUX.2 Klein is made for 1024",
    "Lumina 2": "Lumina 2 is made for 1024",
    "Z-Image": "Z-Image is made for 1024",
    "Qwen-Image": "Qwen-Image is made for 1328",
}


@pytest.mark.parametrize("name", [name for name in SIDES if name in FAMILIES])
def test_settings_that_a_model_is_not_made_for_are_doubted(extension: Any, name: str) -> None:
    doubts = extension.module("nodes.host.denoising.request").doubts
    model = FAMILIES[name].denoiser()
    cfg = ["cfg 7.5: this model draws at 1."] if name == "Flux" else []  # the others do not tell
    assert doubts(model, request(extension)) == [f"Profiled at 512 × 512: {SIDES[name]}.", *cfg]
    assert doubts(model, request(extension, width=704, height=768, cfg=1.0)) == []


@pytest.mark.parametrize("concept", ["church,cat", "教堂，猫", "教会、猫"])
def test_commas_are_doubted_and_nothing_else_of_sd15(
    extension: Any, tiny: TinyModel, concept: str
) -> None:
    doubts = extension.module("nodes.host.denoising.request").doubts
    assert doubts(tiny.model, request(extension)) == []
    (doubt,) = doubts(tiny.model, request(extension, concept))
    assert doubt == f"'{concept}' counts as one concept: write one a line."


def set_previews(monkeypatch: pytest.MonkeyPatch, method: LatentPreviewMethod) -> None:
    """As the host's command line does; newer hosts set it for every prompt."""
    monkeypatch.setattr(args, "preview_method", method)
    monkeypatch.setattr(latent_preview, "default_preview_method", method, raising=False)


def test_latents_are_previewed_as_the_host_is_set(
    host: Any, tiny: TinyModel, bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_previews(monkeypatch, LatentPreviewMethod.NoPreviews)
    profile(host, tiny)
    assert all(preview is None for _, _, preview in bar)

    bar.clear()
    set_previews(monkeypatch, LatentPreviewMethod.Latent2RGB)
    profile(host, tiny)
    for _, _, (kind, picture, _) in bar:
        assert (kind, picture.size) == ("JPEG", (8, 8))


def test_profiles_from_the_cache_load_no_previewer(
    host: Any, tiny: TinyModel, user_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host's may be a network with weights of its own."""
    profile(host, tiny, use_cache=True)

    def load(device: Any, latent_format: Any) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(latent_preview, "get_previewer", load)
    profile(host, tiny, use_cache=True)


def test_explicit_content_is_previewed_to_nobody(
    host: Any, tiny: TinyModel, bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_previews(monkeypatch, LatentPreviewMethod.Latent2RGB)
    profile(host, tiny, kind="explicit content")
    assert bar and all(preview is None for _, _, preview in bar)
