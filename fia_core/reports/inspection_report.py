"""An inspection as text: what the pictures show, in numbers."""

from torch import Tensor

from ..fusion_counts import FusionCounts, sum_counts
from .inspection import MaskInspection
from .overlap import ConceptOverlap
from .tables import markdown_table

MOST_PAIRS = 190
"""Pairs of concepts that are listed: all of 20 concepts; of more, those that overlap most."""


def inspection_text(inspection: MaskInspection) -> str:
    """Tables by layer, block and concept, the overlap of concepts, and a hint per concept."""
    sections = [_summary(inspection), _layers(inspection)]
    if len(inspection.blocks) < len(inspection.layers):
        sections.append(_blocks(inspection))
    if inspection.overlap is not None:
        sections += [_concepts(inspection.overlap), _hints(inspection.overlap)]
        if len(inspection.overlap.names) > 1:
            sections.append(_pairs(inspection.overlap))
    return "\n\n".join(sections)


def channels_holding_half(channels: Tensor) -> int:
    """How many channels, the fullest first, hold half of all pruned weights; 0 of none."""
    total = int(channels.sum())
    held = channels.sort(descending=True).values.cumsum(0)
    return int((2 * held < total).sum()) + 1 if total else 0


def _summary(inspection: MaskInspection) -> str:
    total, weights = inspection.total, inspection.model_weights
    share = f"{total.pruned:,} of {total.weights:,} FFN2 weights ({total.share:.3%})"
    of_model = (
        f", {total.pruned / weights:.3%} of the model's {weights:,} weights" if weights else ""
    )
    lines = [
        f"- Forgets: {', '.join(inspection.mask.concepts)}",
        f"- Model: {inspection.mask.model.architecture}",
        f"- Pruned: {share}{of_model}",
    ]
    if inspection.threshold is not None:
        lines.append(f"- Kept: {total.agnostic:,} concept-agnostic, {total.protected:,} protected")
    lines.append(f"- {inspection.note}")
    return "\n".join(lines)


def _layers(inspection: MaskInspection) -> str:
    first = inspection.layers[0]
    channels = ("outputs", "half in", "inputs", "half in")
    rows = [
        (
            layer.place.label,
            "×".join(str(size) for size in layer.shape),
            *_counts_cells(layer.counts, inspection.threshold),
            *_channel_cells(layer.by_output),
            *_channel_cells(layer.by_input),
        )
        for layer in inspection.layers
    ]
    title = (
        f"By layer, from the model's input to its output ({first.place.label} is {first.name}). "
        "outputs, inputs: channels with pruned weights; half in: how many of them hold half."
    )
    heading = ("layer", "shape", *_counts_heading(inspection.threshold), *channels)
    return f"{title}\n\n{markdown_table(heading, rows)}"


def _blocks(inspection: MaskInspection) -> str:
    rows = []
    for block, layers in inspection.blocks.items():
        counts = sum_counts([layer.counts for layer in layers])
        rows.append((block, str(len(layers)), *_counts_cells(counts, inspection.threshold)))
    heading = ("block", "layers", *_counts_heading(inspection.threshold))
    return f"By block:\n\n{markdown_table(heading, rows)}"


def _counts_heading(threshold: int | None) -> tuple[str, ...]:
    kept = () if threshold is None else ("agnostic", "protected")
    return ("pruned", "of weights", *kept)


def _counts_cells(counts: FusionCounts, threshold: int | None) -> tuple[str, ...]:
    kept = () if threshold is None else (f"{counts.agnostic:,}", f"{counts.protected:,}")
    return (f"{counts.pruned:,}", f"{counts.share:.3%}", *kept)


def _channel_cells(channels: Tensor) -> tuple[str, str]:
    return f"{int((channels > 0).sum()):,}", f"{channels_holding_half(channels):,}"


def _concepts(overlap: ConceptOverlap) -> str:
    rows = []
    for number, name in enumerate(overlap.names):
        lost = int(overlap.pruned[number, number])
        rows.append(
            (
                f"{number + 1} {name}",
                "forgotten" if overlap.forgotten[number] else "stays",
                f"{int(overlap.own[number]):,}",
                f"{lost:,}",
                f"{float(overlap.lost[number]):.2%}",
            )
        )
    heading = ("concept", "", "weights", "pruned", "of its own")
    return f"By concept:\n\n{markdown_table(heading, rows)}"


def _hints(overlap: ConceptOverlap) -> str:
    lines = [f"When each is forgotten, which {overlap.others} loses most of its own weights:", ""]
    for number, name in enumerate(overlap.names):
        if overlap.forgotten[number]:
            hit = overlap.hardest_hit(number)
            most = f"{overlap.names[hit.concept]}, {hit.share:.2%}" if hit else "none"
            lines.append(f"- {name}: {most}")
    staying = [number for number, forgotten in enumerate(overlap.forgotten) if not forgotten]
    if staying:
        lines += ["", "What concepts that should stay lose, the most first:", ""]
    for number in sorted(staying, key=lambda n: -float(overlap.lost[n])):
        lost, cause = float(overlap.lost[number]), overlap.main_cause(number)
        through = f", most with {overlap.names[cause.concept]} ({cause.share:.2%})" if cause else ""
        lines.append(f"- {overlap.names[number]}: {lost:.2%}{through}")
    return "\n".join(lines)


def _pairs(overlap: ConceptOverlap) -> str:
    count = len(overlap.names)
    jaccard, share = overlap.jaccard, overlap.share_of_own
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    pairs.sort(key=lambda pair: -float(jaccard[pair]))
    rows = [
        (
            f"{overlap.names[i]} and {overlap.names[j]}",
            f"{int(overlap.shared[i, j]):,}",
            f"{float(jaccard[i, j]):.2%}",
            f"{float(share[i, j]):.2%}",
            f"{float(share[j, i]):.2%}",
        )
        for i, j in pairs[:MOST_PAIRS]
    ]
    left_out = len(pairs) - len(rows)
    title = "Overlap of concepts, the most first"
    if left_out:
        title += f" ({left_out:,} pairs that overlap less are left out)"
    heading = ("concepts", "in both", "Jaccard", "of first", "of second")
    return f"{title}:\n\n{markdown_table(heading, rows)}"
