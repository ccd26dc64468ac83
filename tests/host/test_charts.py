"""Pictures of an inspection: what is larger looks larger, and no text hides or leaves another."""

from collections.abc import Mapping
from inspect import signature
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image, ImageFont

SD15 = [
    *(f"input_blocks.{n}.1" for n in (1, 2, 4, 5, 7, 8)),
    "middle_block.1",
    *(f"output_blocks.{n}.1" for n in range(3, 12)),
]
SDXL = {
    **{f"input_blocks.{n}.1": 2 for n in (4, 5)},
    **{f"input_blocks.{n}.1": 10 for n in (7, 8)},
    "middle_block.1": 10,
    **{f"output_blocks.{n}.1": 10 for n in (0, 1, 2)},
    **{f"output_blocks.{n}.1": 2 for n in (3, 4, 5)},
}
SHAPE = (8, 40)


class Box(NamedTuple):
    """A text and the pixels that it may cover."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@pytest.fixture(scope="module")
def core(extension: Any) -> Any:
    return extension.module("fia_core")


@pytest.fixture(scope="module")
def charts(extension: Any) -> Any:
    return extension.module("nodes.charts")


@pytest.fixture(scope="module")
def palette(extension: Any) -> Any:
    return extension.module("nodes.charts.palette")


def layer_names(blocks: list[str] | dict[str, int]) -> list[str]:
    counts = blocks if isinstance(blocks, dict) else dict.fromkeys(blocks, 1)
    return [
        f"diffusion_model.{block}.transformer_blocks.{number}.ff.net.2"
        for block, count in counts.items()
        for number in range(count)
    ]


def mask(core: Any, concept: str, counts: Mapping[str, int], start: int = 0) -> Any:
    """A mask that prunes the first few weights, from ``start`` on, of each layer."""
    layers = {}
    for name, count in counts.items():
        layer = torch.zeros(SHAPE[0] * SHAPE[1], dtype=torch.bool)
        layer[start : start + count] = True
        layers[name] = layer.reshape(SHAPE)
    model = core.ModelIdentity("SD15", "0")
    return core.NeuronMask(layers, model, (concept,), {}, {"concept": concept})


def random_masks(core: Any, names: list[str], concepts: list[str]) -> list[Any]:
    masks = []
    for number, concept in enumerate(concepts):
        counts = {name: 10 + (7 * number + 11 * k) % 60 for k, name in enumerate(names)}
        masks.append(mask(core, concept, counts, start=3 * number))
    return masks


def pages(core: Any, charts: Any, mask: Any, *groups: list[Any], measure: str = "count") -> Any:
    return charts.inspection_pages(core.inspect_mask(mask, *groups), measure)


def pixels(page: Image.Image, colour: tuple[int, int, int]) -> np.ndarray:
    """Bool (height, width), where the page has exactly this colour."""
    return (np.asarray(page) == colour).all(axis=2)


def bars(
    page: Image.Image, colour: tuple[int, int, int], left: int, right: int, top: int = 180
) -> list[int]:
    """Length in pixels of each bar of this colour between two columns, from ``top`` downwards."""
    found = pixels(page, colour)[top:, left:right]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], found.any(1).astype(int), [0]])))
    return [int(found[row].sum()) for row in edges[::2]]


def test_a_bar_is_as_long_as_the_weights_are_many(core: Any, charts: Any, palette: Any) -> None:
    counts = (20, 40, 0, 10)
    names = layer_names(SD15[:4])
    (page,) = pages(core, charts, mask(core, "church", dict(zip(names, counts, strict=True))))
    assert bars(page, palette.PRUNED, 120, 340) == [110, 220, 55]  # of 220 pixels; none for 0
    assert bars(page, palette.SHARE, 120, 340) == [110, 220, 55]
    for colour in (palette.AGNOSTIC, palette.PROTECTED):  # no fusion, so none is known
        assert not pixels(page, colour).any()


def test_kept_weights_follow_the_pruned_in_their_colours(
    core: Any, charts: Any, palette: Any
) -> None:
    (name,) = layer_names(SD15[:1])
    church, ball = mask(core, "church", {name: 60}), mask(core, "ball", {name: 60}, start=40)
    tree = mask(core, "tree", {name: 10}, start=90)
    fused = core.fuse_neuron_masks([church, ball], 1.0, [tree]).mask  # 20 agnostic, 10 protected
    page = pages(core, charts, fused, [church, ball])[0]
    lengths = {palette.PRUNED: [154], palette.AGNOSTIC: [44], palette.PROTECTED: [22]}  # of 220
    assert {colour: bars(page, colour, 120, 340) for colour in lengths} == lengths
    assert len(pages(core, charts, church, [church])) == 1, "one concept overlaps with none"


def test_channels_fall_from_the_fullest(core: Any, charts: Any, palette: Any) -> None:
    (name,) = layer_names(SD15[:1])
    (page,) = pages(core, charts, mask(core, "church", {name: 60}))  # 1½ of 8 output channels
    found = pixels(page, palette.SHARE)[180:]
    outputs, inputs = (found[:, left:right].sum(0) for left, right in ((548, 656), (672, 780)))
    assert outputs.tolist() == sorted(outputs.tolist(), reverse=True)
    assert (outputs == 36).sum() == 14 and (outputs == 18).sum() == 13  # of 108 columns
    assert (outputs > 0).sum() == 27
    assert set(inputs.tolist()) == {36, 18}  # 2 or 1 of 8 weights


def test_by_rank_keeps_the_first_and_the_order(extension: Any) -> None:
    by_rank = extension.module("nodes.charts.blocks").by_rank
    assert by_rank(torch.tensor([9, 7, 5, 3]), 2).tolist() == [9, 5]
    assert by_rank(torch.tensor([9, 7]), 4).tolist() == [9, 9, 7, 7]
    assert by_rank(torch.arange(1000, 0, -1), 108)[0] == 1000


def test_percentages_have_about_two_digits(extension: Any) -> None:
    percent = extension.module("nodes.charts.canvas").percent
    texts = {0.0: "0", 0.000045: "0.005", 0.00045: "0.045", 0.0045: "0.45", 0.00999: "1.0"}
    texts |= {0.045: "4.5", 0.0999: "10", 0.45: "45", 1.0: "100"}
    assert {share: percent(share) for share in texts} == {n: f"{t} %" for n, t in texts.items()}


def test_layers_of_a_block_are_columns_as_high_as_their_share(
    core: Any, charts: Any, palette: Any
) -> None:
    names = layer_names({"input_blocks.4.1": 2, "middle_block.1": 1})
    counts = dict(zip(names, (80, 20, 40), strict=True))
    (page,) = pages(core, charts, mask(core, "church", counts))
    found = pixels(page, palette.PRUNED)[-264:-64]  # the columns' 200 pixels
    heights = found.sum(0)
    assert [h for h in dict.fromkeys(heights.tolist()) if h] == [200, 50, 100]


def brightness(colour: Any) -> float:
    return float(np.dot(np.asarray(colour) / 255, (0.2126, 0.7152, 0.0722)))


def test_the_matrix_is_lightest_where_concepts_overlap_most(core: Any, charts: Any) -> None:
    (name,) = layer_names(SD15[:1])
    masks = [mask(core, f"c{n}", {name: 60}, start=start) for n, start in enumerate((0, 10, 50))]
    page = pages(core, charts, core.fuse_neuron_masks(masks, 1.0).mask, masks)[1]
    light = {}
    for i, j in product(range(3), repeat=2):
        left, top = 220 + 56 * j, 84 + 30 + 56 * i  # below the heading and the numbers
        light[i, j] = brightness(np.asarray(page)[top + 3, left + 3])
    assert light[0, 1] == light[1, 0] > light[1, 2] > light[0, 2]  # 50, 20 and 10 in both
    assert light[0, 0] == light[1, 1] == light[2, 2] < light[0, 2]


def test_the_hint_of_the_concept_that_takes_most_comes_first(
    core: Any, charts: Any, palette: Any
) -> None:
    (name,) = layer_names(SD15[:1])
    ball, church = mask(core, "ball", {name: 40}, start=100), mask(core, "church", {name: 40})
    cat, dog = mask(core, "cat", {name: 20}), mask(core, "dog", {name: 40}, start=130)
    fused = core.fuse_neuron_masks([ball, church], 1.0).mask
    page = pages(core, charts, fused, [ball, church], [dog, cat])[1]
    church_from_cat, ball_from_dog, cat_loses, dog_loses = bars(page, palette.PRUNED, 220, 420, 400)
    assert (church_from_cat, ball_from_dog) == (200, 50)  # all of cat, a quarter of dog
    assert (cat_loses, dog_loses) == (200, 50)


LONG = "a very long concept with more words than any row has room for"
CASES = {
    "one concept": (SD15, ["church"], 0),
    "two and one that stays": (SD15, ["church", "golf ball", "cat"], 1),
    "twenty": (SDXL, [f"concept {n}" for n in range(20)], 3),
    "twenty-one": (SD15[:2], [f"concept {n}" for n in range(21)], 0),
    "fifty": (SDXL, [f"{LONG} {n}" for n in range(50)], 10),
    "long names": (SDXL, [f"{n} {LONG}" for n in range(4)], 2),
    "no ASCII": (SD15, ["木", "église", "Ж"], 1),
}


@pytest.mark.parametrize("font", ["Aileron", "bitmap"])
@pytest.mark.parametrize("measure", ["share of own weights", "count"])
@pytest.mark.parametrize("case", CASES)
def test_texts_stay_in_the_picture_and_apart(
    extension: Any,
    core: Any,
    charts: Any,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    measure: str,
    font: str,
) -> None:
    lettering = extension.module("nodes.charts.lettering")
    if font == "bitmap":  # all that Pillow before 10.1 has, and Pillow without FreeType
        bitmap = ImageFont.load_default_imagefont()
        monkeypatch.setattr(lettering, "_font", lambda size: (bitmap, size / 11))
    canvas_class = extension.module("nodes.charts.canvas").Canvas
    canvases: dict[Any, list[Box]] = {}
    write = canvas_class.text

    def noted(canvas: Any, x: float, middle: float, text: str, *rest: Any, **named: Any) -> float:
        asked = signature(write).bind(canvas, x, middle, text, *rest, **named)
        asked.apply_defaults()
        size, align, width = (asked.arguments[name] for name in ("size", "align", "width"))
        shown = lettering.text_width(lettering.fitted(text, size, width), size)
        left = x - align * shown
        box = Box(text, left, middle - size / 2, left + shown, middle + size / 2)
        canvases.setdefault(canvas, []).append(box)
        return write(canvas, x, middle, text, *rest, **named)

    monkeypatch.setattr(canvas_class, "text", noted)
    blocks, concepts, kept = CASES[case]
    masks = random_masks(core, layer_names(blocks), concepts)
    forgotten, staying = masks[: len(masks) - kept], masks[len(masks) - kept :]
    fused = core.fuse_neuron_masks(forgotten, 0.6).mask
    drawn = pages(core, charts, fused, forgotten, staying, measure=measure)
    assert len({page.size for page in drawn}) == 1
    assert len(canvases) > 3
    for canvas, boxes in canvases.items():
        for box in boxes:
            assert box.left >= 0 and box.right <= canvas.image.width, box
            assert box.top >= 0 and box.bottom <= canvas.image.height, box
        for one, other in combinations(boxes, 2):
            assert not one.meets(other), (one, other)


def test_without_freetype_the_bitmap_font_is_enlarged(
    extension: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lettering = extension.module("nodes.charts.lettering")
    bitmap = ImageFont.load_default_imagefont()

    def load_default(size: int | None = None) -> Any:
        if size is not None:
            raise ImportError("The _imagingft C module is not installed")
        return bitmap

    monkeypatch.setattr(ImageFont, "load_default", load_default)
    lettering._font.cache_clear()
    try:
        assert lettering.text_mask("church", 22).getbbox() is not None
        assert lettering.text_width("church", 22) == pytest.approx(6 * 6 * 2)
    finally:
        lettering._font.cache_clear()


def test_a_long_text_is_shortened_to_its_room(extension: Any) -> None:
    lettering = extension.module("nodes.charts.lettering")
    short = lettering.fitted(LONG, 22, 120)
    assert short.endswith("...") and LONG.startswith(short[:-3])
    assert lettering.text_width(short, 22) <= 120 < lettering.text_width(LONG, 22)
    assert lettering.fitted("church", 22, 120) == "church"


def contrast(one: Any, other: Any) -> float:
    """WCAG 2 contrast ratio of two colours."""
    linear = [
        np.where(
            (c := np.asarray(colour) / 255) <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4
        )
        for colour in (one, other)
    ]
    lower, upper = sorted(float(np.dot(c, (0.2126, 0.7152, 0.0722))) for c in linear)
    return (upper + 0.05) / (lower + 0.05)


COLOUR_VISION = {
    "usual": np.eye(3),
    # Machado, Oliveira and Fernandes 2009, severity 1.
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.mark.parametrize("vision", COLOUR_VISION)
def test_classes_can_be_told_apart_with_any_colour_vision(palette: Any, vision: str) -> None:
    classes = (palette.PRUNED, palette.AGNOSTIC, palette.PROTECTED, palette.NOTHING)
    seen = [np.asarray(COLOUR_VISION[vision]) @ np.asarray(colour) for colour in classes]
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(one - other) > 60


def test_texts_and_bars_stand_out_from_the_ground(palette: Any) -> None:
    for colour in (palette.TEXT, palette.QUIET_TEXT, palette.PROTECTED):
        assert contrast(colour, palette.GROUND) >= 4.5
    for colour in (palette.PRUNED, palette.AGNOSTIC, palette.PROTECTED, palette.SHARE):
        assert contrast(colour, palette.NOTHING) >= 3
    shades = [palette.shade(value) for value in np.linspace(0.001, 1, 50)]
    for shade in shades:
        assert contrast(palette.text_on(shade), shade) >= 4
    lightness = [contrast(shade, (0, 0, 0)) for shade in shades]
    assert lightness == sorted(lightness)
    assert palette.shade(0) == palette.NOTHING
