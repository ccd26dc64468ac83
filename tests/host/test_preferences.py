"""What the nodes choose by themselves where a person writes no number."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import comfy.samplers
import folder_paths
import pytest
import server
from comfy import supported_models
from comfy.model_base import ModelType
from comfy.supported_models_base import BASE
from graphs import QUICK, GraphError, profile_graph, profiled
from tiny_families import FAMILIES
from tiny_model import TinyModel

AUTOMATIC: dict[str, Any] = {
    **dict.fromkeys(("steps", "profile_steps", "cfg", "width", "height"), 0),
    **dict.fromkeys(("sampler", "scheduler"), "automatic"),
}
SMALL = {"contexts": "road\nforest", "width": 64, "height": 64}
NAMES = ("width", "height", "steps", "profile_steps", "cfg", "sampler", "scheduler")
SD15 = (512, 512, 50, 10, 7.5, "euler", "normal")


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the host's server is told to write into a node."""
    told: list[str] = []
    monkeypatch.setattr(
        server.PromptServer.instance,
        "send_progress_text",
        lambda text, node_id, sid=None: told.append(text),
    )
    return told


@pytest.fixture
def wanted(extension: Any) -> Any:
    return extension.module("nodes.host.model.preferences").preferences


@pytest.fixture
def filled_in(extension: Any) -> Any:
    """What the node makes of a person's numbers for SD 1.5; those not given are left to it."""
    sampling = extension.module("nodes.host.denoising.request")
    preferences = extension.module("nodes.host.model.preferences")

    def fill(**written: Any) -> dict[str, Any]:
        settings = sampling.SamplingSettings(seed=0, **{**AUTOMATIC, **written})
        return vars(sampling.filled_in(settings, preferences._FAMILIES["SD15"]))

    return fill


def described(config: BASE, model_type: ModelType = ModelType.EPS) -> Any:
    """As much of a model as tells its family."""
    return SimpleNamespace(model=SimpleNamespace(model_config=config, model_type=model_type))


def test_the_defaults_leave_all_to_the_node(extension: Any) -> None:
    schema = extension.node("FIAProfileConcept").define_schema()
    defaults = {one.id: one.default for one in schema.inputs if one.id in AUTOMATIC}
    assert defaults == AUTOMATIC
    for name in ("sampler", "scheduler"):
        (combo,) = (one for one in schema.inputs if one.id == name)
        assert combo.options[0] == "automatic"


def test_sd_1_5_is_drawn_as_in_the_paper(filled_in: Any) -> None:
    assert tuple(filled_in()[name] for name in NAMES) == SD15


@pytest.mark.parametrize(
    ("name", "value"),
    [("width", 768), ("steps", 20), ("profile_steps", 3), ("cfg", 4.0), ("scheduler", "karras")],
)
def test_what_a_person_writes_wins(filled_in: Any, name: str, value: Any) -> None:
    filled = filled_in(**{name: value})
    assert filled[name] == value
    others = {other: filled[other] for other in NAMES if other not in (name, "profile_steps")}
    assert others.items() <= dict(zip(NAMES, SD15, strict=True)).items()


@pytest.mark.parametrize(("steps", "profiled"), [(1, 1), (4, 2), (8, 2), (25, 5), (50, 10)])
def test_a_fifth_of_the_steps_is_run(filled_in: Any, steps: int, profiled: int) -> None:
    assert filled_in(steps=steps)["profile_steps"] == profiled


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_profiles_by_itself(
    host: Any, name: str, wanted: Any, texts: list[str]
) -> None:
    """At its own settings but for the size, which is small here."""
    family = FAMILIES[name]
    model = family.denoiser()
    sides = {"width": family.side, "height": family.side}
    given = {"batch_size": 0, **AUTOMATIC, **SMALL, **sides}
    settings = profiled(host, model, family.clip(), **given).settings
    found = wanted(model)
    assert found.known
    assert (settings["steps"], settings["cfg"]) == (found.steps, found.cfg)
    assert (settings["sampler"], settings["scheduler"]) == (found.sampler, found.scheduler)
    line = f"{family.side} × {family.side}, {found.steps} steps, guidance {found.cfg:g}: "
    assert {text.split("\n")[0] for text in texts} == {f"{line}{found.family}"}


def test_every_row_of_the_table_can_be_drawn(extension: Any) -> None:
    known = comfy.samplers.KSampler
    for row in extension.module("nodes.host.model.preferences")._FAMILIES.values():
        assert row.sampler in known.SAMPLERS and row.scheduler in known.SCHEDULERS
        assert row.side % 16 == 0 and row.steps > 0 and row.cfg >= 1


def test_the_host_tells_more_than_the_family(wanted: Any) -> None:
    flux, flux2 = supported_models.Flux, getattr(supported_models, "Flux2", None)
    assert wanted(described(supported_models.FluxSchnell({}))).steps == 4
    assert wanted(described(flux({"guidance_embed": True}))).steps == 20
    assert wanted(described(flux({"yak_mlp": True}))).family == "Ovis-Image"
    sd2 = supported_models.SD20({})
    assert wanted(described(sd2)).side == 512
    assert wanted(described(sd2, ModelType.V_PREDICTION)).side == 768
    if flux2:
        sized = {"hidden_size": 64}
        assert wanted(described(flux2({**sized, "guidance_embed": True}))).steps == 20
        klein = flux2({**sized, "guidance_embed": False})
        assert wanted(described(klein)).family == "FLUX.2 Klein"


def test_a_class_that_is_derived_is_its_family(wanted: Any) -> None:
    derived = type("Tuned", (supported_models.SDXL,), {})
    assert wanted(described(derived({}))).family == "SDXL"
    assert wanted(described(supported_models.PixArtSigma({}))).family == "PixArt"


def test_the_demo_model_keeps_its_size(extension: Any, wanted: Any) -> None:
    found = wanted(extension.module("demo_model.loader").load_demo_model().model)
    assert (found.family, found.side, found.steps, found.cfg) == ("Demo Model", 128, 50, 4.0)


def test_settings_that_are_not_known_are_a_guess_that_says_so(
    host: Any, tiny: TinyModel, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = type("Novel", (BASE,), {})({})
    monkeypatch.setattr(tiny.model.model, "model_config", config)
    settings = profiled(host, tiny.model, tiny.clip, **{**AUTOMATIC, **SMALL}).settings
    assert (settings["steps"], settings["profile_steps"], settings["cfg"]) == (20, 4, 1.0)
    line, _, note = texts[-1].split("\n")
    assert line == "64 × 64, 20 steps, guidance 1: Novel"
    assert (
        "What Novel wants is not known: write width, height, steps, cfg, sampler and scheduler as "
        "you draw pictures with it." in note
    )


def test_nothing_is_said_of_numbers_that_a_person_wrote(
    host: Any, tiny: TinyModel, texts: list[str]
) -> None:
    profiled(host, tiny.model, tiny.clip, **QUICK)
    assert not any("guidance" in text for text in texts)


def test_the_same_numbers_written_and_chosen_share_a_profile_on_disk(
    host: Any, tiny: TinyModel, texts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_paths, "user_directory", str(tmp_path))
    small = {**SMALL, "use_cache": True}
    profiled(host, tiny.model, tiny.clip, **{**AUTOMATIC, **small})
    written = dict(zip(NAMES, SD15, strict=True))
    profiled(host, tiny.model, tiny.clip, **{**written, **small})
    assert texts[-1].startswith("1 from the cache")


@pytest.mark.parametrize("side", ["width", "height"])
def test_a_side_too_small_for_a_picture_is_refused(host: Any, tiny: TinyModel, side: str) -> None:
    graph = profile_graph(host, tiny.model, tiny.clip, **{side: 8})
    with pytest.raises(GraphError, match=f"{side}: is 8; give 0, as the model wants, or a number"):
        host.run(graph, "profile")
