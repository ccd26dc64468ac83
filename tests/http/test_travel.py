"""A picture carries its mask: whoever has the picture draws it again, without the mask's file."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from workbench.client import Server
from workbench.graph import ApiGraph
from workbench.server import running_server


def id_of(kind: str, graph: ApiGraph) -> str:
    """Of the first node of a type."""
    return next(id for id, node in graph.items() if node["class_type"] == kind)


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def only(id: str, graph: ApiGraph) -> ApiGraph:
    """A node and what it is made from."""
    links = [value for value in graph[id]["inputs"].values() if isinstance(value, list)]
    found = {id: graph[id]}
    for source, _ in links:
        found |= only(source, graph)
    return found


def saving_graph(workflow: ApiGraph) -> ApiGraph:
    """The workflow's mask, saved as a file by the node "save mask"."""
    mask = workflow[id_of("FIAApplyNeuronMask", workflow)]["inputs"]["mask"]
    save = node("FIASaveNeuronMask", mask=mask, filename_prefix="travels")
    return only("save mask", {**workflow, "save mask": save})


def drawing_graph(workflow: ApiGraph, embedded: str, strength: float) -> ApiGraph:
    """One picture, saved by the node "picture", with an embedded mask whose file nobody has."""
    load = node("FIALoadNeuronMask", mask_file="gone.safetensors", embedded=embedded)
    apply_id = id_of("FIAApplyNeuronMask", workflow)
    apply = workflow[apply_id]
    changed = {"mask": ["load", 0], "strength": strength}
    apply = apply | {"inputs": apply["inputs"] | changed}
    sampler = next(
        id for id, node in workflow.items() if node["inputs"].get("model") == [apply_id, 0]
    )
    vae = [id_of("FIADemoModel", workflow), 2]
    decode = node("VAEDecode", samples=[sampler, 0], vae=vae)
    save = node("SaveImage", images=["decode", 0], filename_prefix="erased")
    new = {"load": load, apply_id: apply, "decode": decode, "picture": save}
    return only("picture", workflow | new)


async def draw(server: Server, graph: ApiGraph) -> Image.Image:
    """The picture of the node "picture", with its metadata."""
    (reference,) = (await server.run(graph))["picture"]["images"]
    async with server.session.get(f"{server.address}/view", params=reference) as answer:
        return Image.open(io.BytesIO(await answer.read()))


@pytest.fixture
def text(client: Any, workflow: ApiGraph) -> str:
    """The mask of the demo workflow as the page's button embeds it."""

    (name,) = client.run(saving_graph(workflow))["save mask"]["text"]
    _, answer = client.ask("GET", "/forget_it_all/embedded_mask", params={"name": name})
    return answer["embedded"]


def test_a_pictures_own_prompt_draws_it_again_on_another_machine(
    client: Any, workflow: ApiGraph, text: str, tmp_path: Path
) -> None:
    async def draw_elsewhere(prompt: ApiGraph) -> Image.Image:
        async with running_server(base=tmp_path) as server:
            assert not list((tmp_path / "models").rglob("*.safetensors"))
            return await draw(server, prompt)

    erased = client.wait(draw(client.server, drawing_graph(workflow, text, 1.0)))
    plain = client.wait(draw(client.server, drawing_graph(workflow, text, 0.0)))
    assert plain.tobytes() != erased.tobytes()

    prompt = json.loads(erased.info["prompt"])
    assert prompt["load"]["inputs"]["embedded"] == text
    again = client.wait(draw_elsewhere(prompt))
    assert again.tobytes() == erased.tobytes()
