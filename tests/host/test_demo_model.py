"""The bundled model in the graphs that it is made for."""

from typing import Any

import pytest
import torch
from comfy.utils import load_torch_file
from graphs import PROFILE_INPUTS, Graph, GraphError, apply_node, node, picture_graph

DEMO_INPUTS = {
    **PROFILE_INPUTS,
    "contexts": "road\ngarden",
    "profile_steps": 2,
    "width": 128,
    "height": 128,
    "batch_size": 0,
}


def demo_graph(strength: float, **inputs: Any) -> Graph:
    """Profile, mask, apply and draw with the bundled model alone."""
    graph = picture_graph(["apply", 0])
    for prompt in ("positive", "negative"):
        graph[prompt]["inputs"]["clip"] = ["demo", 1]
    graph["picture"]["inputs"]["vae"] = ["demo", 2]
    graph["latent"]["inputs"] |= {"width": 128, "height": 128}
    links = {"model": ["demo", 0], "clip": ["demo", 1]}
    return graph | {
        "demo": node("FIADemoModel"),
        "profile": node("FIAProfileConcept", **links, **(DEMO_INPUTS | inputs)),
        "mask": node(
            "FIABuildConceptMask", profile=["profile", 0], spatial_sparsity=3.0, granularity="both"
        ),
        "apply": apply_node(model="demo", strength=strength),
    }


def test_it_is_profiled_and_masked_like_any_model(host: Any) -> None:
    (plain,) = host.run(demo_graph(0.0), "picture")
    (masked,) = host.run(demo_graph(1.0), "picture")
    assert plain.shape == masked.shape == (1, 128, 128, 3)
    assert plain.isfinite().all() and plain.std() > 0.01
    assert not torch.equal(plain, masked)
    (mask,) = host.run(demo_graph(1.0), "mask")
    assert 0 < mask.count <= 0.03 * mask.weights


def test_a_word_that_it_never_learned_is_refused(host: Any) -> None:
    with pytest.raises(GraphError, match="concepts: the text encoder knows no word of 'zxqv'"):
        host.run(demo_graph(1.0, concepts="church\nzxqv"), "mask")


def test_its_weights_are_in_the_precision_that_it_computes_in(
    extension: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on hosts that stream weights, whose layers take them as the file has them."""
    memory = pytest.importorskip("comfy.memory_management", reason="this host does not stream")
    loader = extension.module("demo_model.loader")
    weights: Any = load_torch_file(str(loader.WEIGHTS))
    parts = (loader._part(weights, part) for part in ("denoiser.", "preview."))
    monkeypatch.setattr(memory, "aimdo_enabled", True)
    denoiser, preview = parts
    sizes = extension.module("demo_model.architecture")
    config = loader.DemoConfig(sizes.DENOISER)
    config.latent_format = loader._preview_format(preview)
    model = loader._load_denoiser(denoiser, config, "unet").model
    assert {weight.dtype for weight in denoiser.values()} == {torch.float16}
    assert {weight.dtype for weight in model.diffusion_model.parameters()} == {model.get_dtype()}
    text = torch.zeros(1, sizes.TEXT_TOKENS, sizes.TEXT_WIDTH)
    latent = torch.zeros(1, sizes.LATENT_CHANNELS, 16, 16)
    assert model.apply_model(latent, torch.ones(1), c_crossattn=text).isfinite().all()
