"""Compare Erasure: the same prompt before and after, under a slider."""

from typing import Any

import torch
from comfy_api.latest import io, ui

from .fields.shared import CATEGORY, search_words


class CompareErasure(io.ComfyNode):
    """Shows pairs of pictures; ``web/compare_erasure.js`` draws them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIACompareErasure",
            display_name="Compare Erasure",
            category=CATEGORY,
            **search_words("compare", "before after", "slider", "erase"),
            description=(
                "See what a mask does: pictures before and after it, one over the other, with a "
                "slider that follows the mouse. Click to enlarge."
            ),
            is_output_node=True,
            inputs=[
                io.Image.Input(
                    "before", tooltip="Pictures of the untouched model. One, or as many as after."
                ),
                io.Image.Input(
                    "after",
                    tooltip=(
                        "Pictures of the pruned model, from the same prompts and seeds. "
                        "One, or as many as before."
                    ),
                ),
                io.String.Input(
                    "labels",
                    optional=True,
                    force_input=True,
                    tooltip=(
                        "Words for the pairs with commas between them, such as the strengths of "
                        "Strength Strip."
                    ),
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="side by side",
                    tooltip="One picture a pair: before on the left, after on the right.",
                )
            ],
        )

    @classmethod
    def execute(cls, before: torch.Tensor, after: torch.Tensor, labels: str = "") -> io.NodeOutput:
        pairs = check_pairs(before, after)
        shown: dict[str, list[Any]] = {
            "a_images": repeat(ui.PreviewImage(before, cls=cls).values, pairs),
            "b_images": repeat(ui.PreviewImage(after, cls=cls).values, pairs),
        }
        if labels.strip():
            shown["labels"] = label_pairs(labels, pairs)
        return io.NodeOutput(side_by_side(before, after), ui=shown)


def check_pairs(before: torch.Tensor, after: torch.Tensor) -> int:
    """The number of pairs: that of the longer batch.

    Raises:
        ValueError: the pictures cannot be paired; the message names the input and says why.
    """
    for name, batch in (("before", before), ("after", after)):
        if not len(batch):
            raise ValueError(f"{name}: no picture arrived; at least one is needed.")
    if before.shape[1:3] != after.shape[1:3]:
        raise ValueError(
            f"after: its pictures are {size(after)} pixels, those of before {size(before)}; "
            "both must have one size. Draw both from latents of one size, or put Upscale Image "
            "before one of them."
        )
    if len(before) != len(after) and 1 not in (len(before), len(after)):
        raise ValueError(
            f"after: {len(after)} pictures cannot be paired with {len(before)} of before. Give as "
            "many of each, or one that is compared with all."
        )
    return max(len(before), len(after))


def label_pairs(labels: str, pairs: int) -> list[str]:
    """One label a pair; where pairs are a multiple, each label is for as many in a row.

    Raises:
        ValueError: the pairs cannot be shared out among the labels.
    """
    each = [label.strip() for label in labels.split(",")]
    if pairs % len(each):
        raise ValueError(
            f"labels: {len(each)} of them cannot be shared out among {pairs} pairs. Give one for "
            "each pair, with commas between, or none."
        )
    return [label for label in each for _ in range(pairs // len(each))]


def size(batch: torch.Tensor) -> str:
    """Width × height of a batch's pictures."""
    return f"{batch.shape[2]} × {batch.shape[1]}"


def repeat(entries: list, pairs: int) -> list:
    """One entry a pair; the only one for all where there is one."""
    return entries * pairs if len(entries) == 1 else entries


def side_by_side(before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
    """Pairs joined at their sides.

    Args:
        before: pictures, [N or 1, height, width, channels], values 0 to 1.
        after: likewise, of the same size.

    Returns:
        [N, height, 2 × width, channels], channels the smaller number of the two.
    """
    pairs = max(len(before), len(after))
    channels = min(before.shape[3], after.shape[3])
    left, right = (batch[..., :channels].expand(pairs, -1, -1, -1) for batch in (before, after))
    return torch.cat((left, right.to(left)), dim=2)
