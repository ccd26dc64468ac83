"""The result of a fusion as a readable table."""

from ..fusion_counts import FusionCounts, FusionReport
from .places import layer_places
from .tables import markdown_table

_COLUMNS = ("sensitive", "agnostic", "protected", "pruned", "of FFN2")


def fusion_text(report: FusionReport, model_weights: int | None = None) -> str:
    """The warnings and two tables; with ``model_weights`` also the part of the model."""
    places = layer_places(tuple(report.layers))
    by_layer = [(places[name].label, counts) for name, counts in report.layers.items()]
    by_concept = [*report.concepts, ("all together", report.total)]
    columns = (*_COLUMNS, "of model") if model_weights else _COLUMNS
    rule = agnostic_rule(report.threshold, len(report.concepts))
    parts = [
        *(f"Warning: {warning}" for warning in fusion_warnings(report)),
        f"Concept masks fused: {len(report.concepts)}. {rule}",
    ]
    for title, rows in (("concept", by_concept), ("layer", by_layer)):
        cells = [(name, *_cells(counts, model_weights)) for name, counts in rows]
        parts += [f"By {title}:", markdown_table((title, *columns), cells)]
    return "\n\n".join(parts)


def fusion_warnings(report: FusionReport) -> tuple[str, ...]:
    """A sentence for each concept that loses no weight, with the reason and a mend."""
    return tuple(
        f"{name} will not be forgotten: {_reason(report, counts)}"
        for name, counts in report.concepts
        if counts.pruned == 0
    )


def agnostic_rule(threshold: int, masks: int) -> str:
    """A threshold in words, for this number of masks."""
    if threshold > masks:
        return "A single concept has no concept-agnostic weights: its whole mask is pruned."
    if masks == 2:
        return (
            "What both hold is concept-agnostic and kept, at any ratio: fuse no two words for the "
            "same thing."
        )
    return f"A weight that {threshold} or more of {masks} hold is concept-agnostic and kept."


def _reason(report: FusionReport, counts: FusionCounts) -> str:
    """Why a concept that loses no weight does so, and what to do."""
    if counts.sensitive == 0:
        return "no weight answers to it. Check its words and contexts, or profile more steps."
    mends = ["protect less", "forget it with a Fuse Masks and an Apply Neuron Mask of its own"]
    if report.threshold < len(report.concepts):
        mends.insert(0, "raise the agnostic ratio")
    return (
        f"of its {counts.sensitive:,} sensitive weights {counts.agnostic:,} are agnostic and "
        f"{counts.protected:,} protected. You may {', or '.join(mends)}."
    )


def _cells(counts: FusionCounts, model_weights: int | None) -> list[str]:
    numbers = (counts.sensitive, counts.agnostic, counts.protected, counts.pruned)
    cells = [*(f"{number:,}" for number in numbers), f"{counts.share:.3%}"]
    if model_weights:
        cells.append(f"{counts.pruned / model_weights:.3%}")
    return cells
