"""The paper's settings as the page asks for them."""

from typing import Any


def test_table_8_in_percent(client: Any) -> None:
    presets = client.get("/forget_it_all/presets")
    assert presets["art style"] == {
        "temporal_sparsity": 5.0,
        "spatial_sparsity": 2.0,
        "agnostic_ratio": 80.0,
    }
    assert presets["object"]["agnostic_ratio"] == 60
    known = {
        name
        for info in client.object_info.values()
        for group in info["input"].values()
        for name in group
    }
    assert all(set(preset) <= known for preset in presets.values())
