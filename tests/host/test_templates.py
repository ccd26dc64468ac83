"""What the bundled workflows hold, read as files."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "workflows"
MUTED = 2


def read(template: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{template}.json").read_text(encoding="utf-8"))


def test_each_template_has_an_id_of_its_own() -> None:
    names = [file.stem for file in FOLDER.glob("*.json")]
    assert len({read(name)["id"] for name in names}) == len(names) > 0


def test_the_embedded_mask_is_of_the_bundled_model(extension: Any) -> None:
    nodes = read("save_load_embed_mask")["nodes"]
    (text,) = (node["widgets_values"][1] for node in nodes if node["type"] == "FIALoadNeuronMask")
    mask = extension.module("fia_core.files.embedding").read_embedded_mask(text)
    demo = extension.module("demo_model.loader").load_demo_model().model
    assert mask.model == extension.module("nodes.host.model.identity").model_identity(demo)


def test_no_checkpoint_is_written_before_the_preview_is_seen() -> None:
    nodes = read("export_erased_checkpoint")["nodes"]
    (export,) = (node for node in nodes if node["type"] == "CheckpointSave")
    assert export["mode"] == MUTED
