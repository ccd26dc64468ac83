"""Sets of a suite's pictures, and the table of how far they are from others."""

from collections.abc import Sequence
from pathlib import Path

from . import registry
from .frechet import FEATURES, Distance
from .places import Places
from .runner import origin_of, require_labels
from .shots import Shot, group_shots
from .suite import BASE, Entry, Group, Suite

ENDINGS = {".png", ".jpg", ".jpeg", ".webp"}


def picture_file(suite: Suite, places: Places, entry: Entry, group: Group, shot: Shot) -> Path:
    """Where a method's picture lies; the base model's is the same for all groups."""
    origin = origin_of(suite, entry, None if entry.label == BASE else group)
    return places.picture(origin, shot)


def kept_pictures(
    suite: Suite, places: Places, entry: Entry, groups: Sequence[Group]
) -> list[Path]:
    """Files of a method's pictures of what should stay, all conditions and seeds together.

    For the base model, its pictures of the same shots, each once for every group that asks for it.

    Raises:
        ValueError: one is not there; the message says how many.
    """
    files = [
        picture_file(suite, places, entry, group, shot)
        for group in groups
        for condition in suite.conditions
        for seed in suite.seeds
        for shot in group_shots(suite, group, condition, seed)
        if shot.shows(suite.concept) in group.kept
    ]
    missing = sum(not file.exists() for file in files)
    if missing:
        raise ValueError(
            f"{suite.name}: {missing} of {len(files)} pictures of {entry.label!r} are not in "
            f"results/; python3 benchmarks/run.py {suite.name} draws them."
        )
    return files


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder and its subfolders.

    Raises:
        ValueError: there are fewer than two.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in ENDINGS)
    if len(files) < 2:
        raise ValueError(f"{folder}: holds {len(files)} pictures; give a folder of two or more.")
    return files


def distance_table(
    suite: Suite,
    places: Places,
    features: str,
    real: Path | None = None,
    methods: Sequence[str] = (),
) -> str:
    """Markdown: the distance of every method's kept pictures, family by family of groups.

    Args:
        suite, places: whose pictures.
        features: a key of ``FEATURES``.
        real: a folder of pictures to compare with; the base model's own where None.
        methods: labels of those to measure; all where empty.

    Raises:
        MissingError: weights or packages are not there.
        ValueError: pictures are not there, or a method is not in the suite.
    """
    require_labels(suite, methods)
    base = next(entry for entry in suite.entries if entry.label == BASE)
    start = "the base model's pictures of the same prompts and seeds" if not real else f"{real}"
    lines = [
        f"# {'Dry run: ' if suite.dry_run else ''}{suite.title}: distance between sets of pictures",
        "",
        f"Fréchet distance of {FEATURES[features]} between pictures of what should stay and "
        f"{start}; all seeds together, lower is nearer. Small sets give larger distances, so only "
        "figures of as many pictures compare.",
        "",
        "| method | group | pictures | distance |",
        "| --- | --- | --- | --- |",
    ]
    for family, groups in suite.families.items():
        theirs = pictures_in(real) if real else kept_pictures(suite, places, base, groups)
        distance = Distance(features, theirs)
        for entry in suite.entries:
            left_out = methods and entry.label not in methods
            itself = entry.label == BASE and not real
            if left_out or itself or not entry.is_measured_on(family):
                continue
            ours = kept_pictures(suite, places, entry, groups)
            title = registry.entry_title(entry)
            lines.append(f"| {title} | {family} | {len(ours):,} | {distance.to(ours):.4g} |")
    return "\n".join(lines)
