"""What the bundled workflows hold, read as files; those for models that people have, run."""

import asyncio
import json
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import folder_paths
import pytest
import torch
from tiny_model import TinyModel
from tiny_newer_families import FAMILIES

import nodes

FOLDER = Path(__file__).parents[2] / "workflows"
MUTED = 2
MOST_NODES = 6
PEOPLES = {
    "forget_with_z_image_turbo": "Z-Image",
    "forget_with_krea2_turbo": "Krea 2",
    "forget_with_qwen_image_2_1": "Qwen-Image 2.1",
    "forget_with_flux2_klein": "FLUX.2 Klein",
    "forget_with_sdxl": "SDXL",
    "forget_with_sd15": "SD 1.5",
}
"""Templates for models that people have, and the family by the name that the nodes say."""

TINY = {"FLUX.2 Klein": "Flux.2"}
"""Names of tiny models, where they are others."""

LOADED = {"MODEL": "model", "CLIP": "clip", "VAE": "vae"}
LATENTS = ("EmptyLatentImage", "EmptySD3LatentImage", "EmptyFlux2LatentImage")

SMALL = {"width": 64, "height": 64}
SHORT: dict[str, dict[str, Any]] = {
    **dict.fromkeys(LATENTS, SMALL),
    "KSampler": {"steps": 2},
}
"""Inputs that make a run quick."""

EXTRAS = ("nodes_images", "nodes_sd3", "nodes_flux")
"""Files of the host's own nodes that the templates need."""


@pytest.fixture(scope="module")
def extras(extension: Any) -> None:
    folder = Path(folder_paths.__file__).with_name("comfy_extras")
    for name in EXTRAS:
        asyncio.run(nodes.load_custom_node(str(folder / f"{name}.py"), module_parent=folder.name))


def read(template: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{template}.json").read_text(encoding="utf-8"))


def all_nodes(template: str) -> list[dict[str, Any]]:
    """Those in subgraphs, too."""
    workflow = read(template)
    subgraphs = workflow.get("definitions", {}).get("subgraphs", [])
    inside = (graph["nodes"] for graph in subgraphs)
    return [*workflow["nodes"], *chain.from_iterable(inside)]


def test_each_template_and_node_has_an_id_of_its_own() -> None:
    names = [file.stem for file in FOLDER.glob("*.json")]
    assert len({read(name)["id"] for name in names}) == len(names) > 0
    for name in names:  # newer pages give nodes of one number others
        numbers = [node["id"] for node in all_nodes(name)]
        assert len(set(numbers)) == len(numbers)


def test_the_embedded_mask_is_of_the_bundled_model(extension: Any) -> None:
    nodes = read("save_load_embed_mask")["nodes"]
    (text,) = (node["widgets_values"][1] for node in nodes if node["type"] == "FIALoadNeuronMask")
    mask = extension.module("fia_core.mask_text").read_embedded_mask(text)
    demo = extension.module("demo_model.loader").load_demo_model().model
    assert mask.model == extension.module("nodes.host.model.identity").model_identity(demo)


def test_no_checkpoint_is_written_before_the_preview_is_seen() -> None:
    nodes = read("export_erased_checkpoint")["nodes"]
    (export,) = (node for node in nodes if node["type"] == "CheckpointSave")
    assert export["mode"] == MUTED


@pytest.mark.parametrize("template", PEOPLES)
def test_a_template_has_few_nodes_and_one_concept(template: str) -> None:
    assert len(read(template)["nodes"]) <= MOST_NODES
    (forget,) = (node for node in all_nodes(template) if node["type"] == "FIAForgetLora")
    (strip,) = (node for node in all_nodes(template) if node["type"] == "FIAStrengthStrip")
    assert forget["widgets_values"] == ["church", "", "", 1.0, "object", 0]
    assert strip["widgets_values"] == ["0, 0.5, 1, 1.5"]


@pytest.mark.parametrize(("template", "family"), PEOPLES.items())
def test_a_template_draws_as_the_model_wants(extension: Any, template: str, family: str) -> None:
    table = extension.module("nodes.host.model.preferences")
    rows = {row.family: row for row in (*table._FAMILIES.values(), table._KLEIN)}
    wanted = rows[family]
    (sampler,) = (node for node in all_nodes(template) if node["type"] == "KSampler")
    (latent,) = (node for node in all_nodes(template) if node["type"] in LATENTS)
    drawn = (wanted.cfg, wanted.sampler, wanted.scheduler)
    assert tuple(sampler["widgets_values"][3:6]) == drawn
    assert latent["widgets_values"][:2] == [wanted.side, wanted.side]


@pytest.mark.parametrize("template", [*PEOPLES, "export_erased_checkpoint"])
def test_files_of_a_template_are_offered_for_download(template: str) -> None:
    loaders = [node for node in all_nodes(template) if "models" in node["properties"]]
    assert len(loaders) in (1, 3)
    for node in loaders:
        (file,) = node["properties"]["models"]
        assert file["name"] == node["widgets_values"][0]
        assert file["url"].startswith("https://huggingface.co/")
        assert file["url"].endswith(f"/{file['name']}")
        folders = ("checkpoints", "diffusion_models", "text_encoders", "vae")
        assert file["directory"] in folders


@pytest.fixture
def small_captions(extension: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget LoRA reads its prompts with a small empty latent."""
    captions = extension.module("nodes.host.forgetting.captions")
    wanted = captions.preferences
    monkeypatch.setattr(captions, "preferences", lambda model: replace(wanted(model), side=64))


@pytest.mark.usefixtures("extras", "small_captions")
@pytest.mark.parametrize(("template", "name"), PEOPLES.items())
def test_a_template_draws_a_church_at_four_strengths(
    host: Any, extension: Any, tiny: TinyModel, tiny_sdxl: TinyModel, template: str, name: str
) -> None:
    """With a tiny model in place of its files, in a small picture and few steps."""
    if name in ("SD 1.5", "SDXL"):
        model = tiny if name == "SD 1.5" else tiny_sdxl
        parts = {"model": model.model, "clip": model.clip}
    elif family := FAMILIES.get(TINY.get(name, name)):
        parts = {"model": family.denoiser(), "clip": family.clip()}
    else:
        pytest.skip(f"there is no tiny {name}: this ComfyUI does not have it")
    graph = with_tiny_parts(host, extension, read(template), {**parts, "vae": Blurry()})
    (side_by_side,) = host.run(graph, "5")
    plain, *others = side_by_side[:, :, side_by_side.shape[2] // 2 :].unbind()
    before = side_by_side[0, :, : plain.shape[1]]
    assert torch.equal(before, plain)
    assert len(others) == 3
    assert all(not torch.equal(before, other) for other in others)


class Blurry(SimpleNamespace):
    """Shows latents of any number of channels as they are."""

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        grey = latents.mean(dim=1, keepdim=True).movedim(1, -1)
        return grey.expand(*grey.shape[:-1], 3)


def with_tiny_parts(
    host: Any, extension: Any, workflow: dict[str, Any], parts: dict[str, Any]
) -> dict[str, Any]:
    """The graph that the host runs, with ``parts`` in place of what loaders give."""
    graph_module = extension.module("workbench.graph")
    graph = graph_module.to_api(graph_module.flat(workflow), host_infos())
    sources = {name: host.source(part) for name, part in parts.items()}
    loaders = {
        id: nodes.NODE_CLASS_MAPPINGS[node["class_type"]].RETURN_TYPES
        for id, node in graph.items()
        if node["class_type"] in ("CheckpointLoaderSimple", "UNETLoader", "CLIPLoader", "VAELoader")
    }
    for node in graph.values():
        node["inputs"] |= SHORT.get(node["class_type"], {})
        for name, value in node["inputs"].items():
            if isinstance(value, list) and value[0] in loaders:
                node["inputs"][name] = [LOADED[loaders[value[0]][value[1]]], 0]
    kept = {id: node for id, node in graph.items() if id not in loaders}
    return kept | sources


def host_infos() -> dict[str, Any]:
    """As much of the server's /object_info as a workflow needs."""
    return {
        name: {"input": node.INPUT_TYPES(), "display_name": name}
        for name, node in nodes.NODE_CLASS_MAPPINGS.items()
    }
