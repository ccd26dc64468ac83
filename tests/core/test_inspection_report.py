"""The inspection as text holds the numbers of the inspection."""

import torch
from samples import MODEL, mask

from fia_core import NeuronMask, fuse_neuron_masks, inspect_mask, inspection_text
from fia_core.reports.inspection_report import MOST_PAIRS, channels_holding_half


def unet_mask(concept: str, pruned: dict[str, int]) -> NeuronMask:
    """A mask of 2 × 10 layers that prunes the first few weights of each."""
    layers = {}
    for place, count in pruned.items():
        layer = torch.zeros(20, dtype=torch.bool)
        layer[:count] = True
        layers[f"diffusion_model.{place}.ff.net.2"] = layer.reshape(2, 10)
    return NeuronMask(layers, MODEL, (concept,), {}, {"concept": concept})


CHURCH = unet_mask(
    "church",
    {
        "input_blocks.4.1.transformer_blocks.0": 12,
        "input_blocks.4.1.transformer_blocks.1": 3,
        "output_blocks.3.1.transformer_blocks.0": 0,
    },
)


def rows(text: str, heading: str) -> list[list[str]]:
    """Cells of the table whose first column is called so, without the heading."""
    (table,) = (part for part in text.split("\n\n") if part.startswith(f"| {heading} "))
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]


def test_the_tables_by_layer_and_block() -> None:
    text = inspection_text(inspect_mask(CHURCH))
    assert "Pruned: 15 of 60 FFN2 weights (25.000%)" in text
    assert rows(text, "layer") == [
        # label, shape, pruned, share, outputs, half of them in, inputs, half of them in
        ["in 4.0", "2×10", "12", "60.000%", "2", "1", "10", "4"],
        ["in 4.1", "2×10", "3", "15.000%", "1", "1", "3", "2"],
        ["out 3.0", "2×10", "0", "0.000%", "0", "0", "0", "0"],
    ]
    assert rows(text, "block") == [
        ["in 4", "2", "15", "37.500%"],
        ["out 3", "1", "0", "0.000%"],
    ]


def test_what_concepts_hold_lose_and_share() -> None:
    places = [place.split("diffusion_model.")[1][: -len(".ff.net.2")] for place in CHURCH.layers]
    ball = unet_mask("ball", dict(zip(places, (4, 0, 0), strict=True)))
    cat = unet_mask("cat", dict(zip(places, (1, 0, 1), strict=True)))
    fused = fuse_neuron_masks([CHURCH, ball], 1.0).mask  # the 4 that both hold are kept
    text = inspection_text(inspect_mask(fused, [CHURCH, ball], [cat]))
    assert "Kept: 4 concept-agnostic, 0 protected" in text
    assert rows(text, "concept") == [
        ["1 church", "forgotten", "15", "11", "73.33%"],
        ["2 ball", "forgotten", "4", "0", "0.00%"],
        ["3 cat", "stays", "2", "0", "0.00%"],
    ]
    assert "\n- church: none\n" in text and "\n- cat: 0.00%\n" in text
    assert rows(text, "concepts") == [
        ["church and ball", "4", "26.67%", "26.67%", "100.00%"],
        ["ball and cat", "1", "20.00%", "25.00%", "50.00%"],
        ["church and cat", "1", "6.25%", "6.67%", "50.00%"],
    ]


def test_the_hint_names_who_loses_most() -> None:
    masks = [mask("church", 0), mask("ball", 1), mask("cat", 2)]
    text = inspection_text(inspect_mask(masks[0], masks))
    church, ball, cat = (set(whole(one)) for one in masks)
    lost = {"ball": len(church & ball) / len(ball), "cat": len(church & cat) / len(cat)}
    most = max(lost, key=lost.__getitem__)
    assert f"\n- church: {most}, {lost[most]:.2%}\n" in text
    assert f"\n- ball: {lost['ball']:.2%}, most with church ({lost['ball']:.2%})" in text


def test_of_those_that_should_stay_the_one_that_loses_most_comes_first() -> None:
    places = [place.split("diffusion_model.")[1][: -len(".ff.net.2")] for place in CHURCH.layers]
    kept = [
        unet_mask("cat", dict(zip(places, (20, 0, 0), strict=True))),  # 12 of 20 pruned
        unet_mask("dog", dict(zip(places, (12, 0, 0), strict=True))),  # all
    ]
    lines = inspection_text(inspect_mask(CHURCH, [CHURCH], kept)).splitlines()
    start = lines.index("What concepts that should stay lose, the most first:")
    assert lines[start + 2 : start + 4] == [
        "- dog: 100.00%, most with church (100.00%)",
        "- cat: 60.00%, most with church (60.00%)",
    ]


def whole(mask: NeuronMask) -> list[int]:
    return torch.cat([layer.flatten() for layer in mask.layers.values()]).nonzero()[:, 0].tolist()


def test_of_many_concepts_the_largest_overlaps_are_listed() -> None:
    masks = [mask(f"c{n}", n, share=0.05) for n in range(21)]
    text = inspection_text(inspect_mask(fuse_neuron_masks(masks, 0.6).mask, masks))
    assert "(20 pairs that overlap less are left out)" in text
    listed = rows(text, "concepts")
    assert len(listed) == MOST_PAIRS
    shares = [float(row[-3].rstrip("%")) for row in listed]
    assert shares == sorted(shares, reverse=True)


def test_channels_that_hold_half() -> None:
    assert channels_holding_half(torch.tensor([1, 1, 1, 1])) == 2
    assert channels_holding_half(torch.tensor([0, 5, 1, 1])) == 1
    assert channels_holding_half(torch.tensor([2, 3, 2])) == 2
    assert channels_holding_half(torch.tensor([0, 0])) == 0
