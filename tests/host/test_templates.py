"""The mask that a bundled workflow carries belongs to the bundled model."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "workflows" / "save_load_embed_mask.json"


def test_the_embedded_mask_is_of_the_bundled_model(extension: Any) -> None:
    nodes = json.loads(FILE.read_text(encoding="utf-8"))["nodes"]
    (text,) = (node["widgets_values"][1] for node in nodes if node["type"] == "FIALoadNeuronMask")
    mask = extension.module("fia_core.embedding").read_embedded_mask(text)
    demo = extension.module("demo_model.loader").load_demo_model().model
    assert mask.model == extension.module("nodes.host.identity").model_identity(demo)
