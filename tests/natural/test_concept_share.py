"""The probe: what it finds in the bundled model, whose concepts were planted."""

import torch
from concept_share import BUNDLED_PROBED, Concepts, _share_gone, probe
from draw import load_model
from paths import BUNDLED


def test_the_planted_concepts_are_found_in_a_few_units() -> None:
    """As `docs/natural.md` has it for all eight objects, here with four."""
    bundled = load_model(BUNDLED)
    found: Concepts = probe(bundled.model, bundled.clip, BUNDLED_PROBED[:4])
    assert found.gone[0.01] > 0.95 and found.gone[0.03] > 0.95 and found.gone[1.0] > 0.95
    assert len(found.by_step) == 4 and min(found.by_step) > 0.9
    assert abs(found.neighbour) < 0.1
    assert found.cosine < 0.05


def test_the_share_is_what_is_missing_along_the_effect() -> None:
    whole = torch.tensor([[3.0, 4.0]])
    assert _share_gone(whole, 0.25 * whole) == 0.75
    assert _share_gone(whole, whole + torch.tensor([[4.0, -3.0]])) == 0.0
