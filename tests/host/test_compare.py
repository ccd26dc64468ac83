"""Compare Erasure in the real host: previews for the page, one picture a pair, clear refusals."""

from pathlib import Path
from typing import Any

import folder_paths
import numpy as np
import pytest
import torch
from graphs import Graph, GraphError, node
from PIL import Image

HEIGHT, WIDTH = 24, 40


def pictures(number: int, channels: int = 3, seed: int = 0) -> torch.Tensor:
    noise = torch.Generator().manual_seed(seed)
    return torch.rand(number, HEIGHT, WIDTH, channels, generator=noise)


def compare_graph(host: Any, before: Any, after: Any, labels: str | None = None) -> Graph:
    given = {"before": before, "after": after} | ({} if labels is None else {"labels": labels})
    links = {name: [name, 0] for name in given}
    sources = {name: host.source(value) for name, value in given.items()}
    return {**sources, "compare": node("FIACompareErasure", **links)}


def shown(host: Any) -> dict[str, Any]:
    """What the node sent to the page in the last run."""
    return host.executor.history_result["outputs"]["compare"]


def saved(reference: dict[str, str]) -> torch.Tensor:
    """The picture that a reference names, [height, width, channels], values 0 to 255."""
    assert reference["type"] == "temp"
    folder = Path(folder_paths.get_temp_directory()) / reference["subfolder"]
    return torch.from_numpy(np.array(Image.open(folder / reference["filename"])).astype(np.int16))


def test_every_pair_is_shown_and_joined(host: Any) -> None:
    before, after = pictures(3, seed=1), pictures(3, seed=2)
    (joined,) = host.run(compare_graph(host, before, after), "compare")
    assert torch.equal(joined, torch.cat((before, after), dim=2))
    for key, batch in (("a_images", before), ("b_images", after)):
        assert len(shown(host)[key]) == 3
        for reference, picture in zip(shown(host)[key], batch, strict=True):
            assert (saved(reference) - 255 * picture).abs().max() <= 1


def test_it_runs_as_the_last_node_of_a_graph(host: Any) -> None:
    host.run_outputs(compare_graph(host, pictures(1), pictures(1, seed=2)))
    assert set(shown(host)) == {"a_images", "b_images"}


@pytest.mark.parametrize(("befores", "afters"), [(1, 4), (4, 1)])
def test_one_picture_is_compared_with_all(host: Any, befores: int, afters: int) -> None:
    before, after = pictures(befores, seed=1), pictures(afters, seed=2)
    (joined,) = host.run(compare_graph(host, before, after), "compare")
    assert joined.shape == (4, HEIGHT, 2 * WIDTH, 3)
    assert torch.equal(joined[:, :, :WIDTH], before.expand(4, -1, -1, -1))
    assert torch.equal(joined[:, :, WIDTH:], after.expand(4, -1, -1, -1))
    assert len(shown(host)["a_images"]) == len(shown(host)["b_images"]) == 4


def test_a_picture_with_transparency_is_joined_to_one_without(host: Any) -> None:
    before, after = pictures(1), pictures(1, channels=4, seed=2)
    (joined,) = host.run(compare_graph(host, before, after), "compare")
    assert torch.equal(joined, torch.cat((before, after[..., :3]), dim=2))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("0, 0.5", ["0", "0", "0.5", "0.5"]),
        ("0, 1 ,2,  0.5", ["0", "1", "2", "0.5"]),
        ("church", ["church"] * 4),
    ],
)
def test_labels_are_shared_out_among_the_pairs(host: Any, labels: str, expected: list[str]) -> None:
    host.run_outputs(compare_graph(host, pictures(1), pictures(4, seed=2), labels))
    assert shown(host)["labels"] == expected


def test_no_label_is_none(host: Any) -> None:
    host.run_outputs(compare_graph(host, pictures(1), pictures(2, seed=3), " "))
    assert set(shown(host)) == {"a_images", "b_images"}


def test_labels_that_are_too_many(host: Any) -> None:
    with pytest.raises(GraphError, match=r"labels: 3 of them .* 2 pairs\. Give one for each"):
        host.run(compare_graph(host, pictures(1), pictures(2), "0, 1, 2"), "compare")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (pictures(1), torch.rand(1, 24, 48, 3), ("after: ", "48 × 24", "40 × 24")),
        (pictures(2), pictures(3), ("after: ", "3 pictures", "2 of before")),
        (pictures(0), pictures(1), ("before: ", "no picture")),
        (pictures(1), pictures(0), ("after: ", "no picture")),
    ],
)
def test_pictures_that_cannot_be_paired(
    host: Any, before: torch.Tensor, after: torch.Tensor, words: tuple[str, ...]
) -> None:
    with pytest.raises(GraphError) as error:
        host.run(compare_graph(host, before, after), "compare")
    for word in words:
        assert word in str(error.value)
