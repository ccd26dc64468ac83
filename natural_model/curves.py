"""How much of what is forgotten is left, over the dials of every method; resumable.

    FIA_HOST=… python natural_model/curves.py --presence FILE --out DIR
    FIA_HOST=… python natural_model/curves.py --recipe unet --checkpoint FILE --judge FILE …

measures the bundled model, or one of ``train.py``. Every setting of ``curve_lines.py`` forgets a
list of names together; the model then draws them and the names that should stay, always from the
same noise. A row of OUT/curves.csv is one set of pictures; a grid of each setting lies in
OUT/sheets. ``curve_report.py`` makes the tables and the plot.
"""

import argparse
import csv
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from curve_lines import LINES, Line
from extension import extension
from names import CURVE_NAMES, TEST, WORLDS, CurveNames
from paths import BUNDLED, use_training_scripts
from recipes import RECIPES, recipe_in

use_training_scripts()
from host import use_host  # noqa: E402

use_host()
from draw import GUIDANCE, draw, grid, load_model  # noqa: E402
from hosted import host_checkpoint  # noqa: E402
from judge import Judge, load_judge  # noqa: E402
from render import SIZE  # noqa: E402
from screen import append  # noqa: E402
from torch import Tensor  # noqa: E402
from train_presence_judge import SOMETHING  # noqa: E402
from vocabulary import IMAGENETTE, OBJECTS, STYLES, with_article  # noqa: E402

CONTEXTS = (
    *("park", "forest", "room", "city", "lawn"),
    *("garden", "street", "office", "cafe", "tree"),
)
"""Of the profiles: the first of the paper that the models know; no picture is drawn in them."""

SCENES = ("desert", "beach", "mountain", "ocean", "night sky", "snow field")
FIRST_SEED = {"validation": 20_000, "test": 30_000}
SEEDS_APART = 1_000  # more than the pictures of a setting
PLAIN = Line("plain model", "", "", "", ())


@dataclass(frozen=True)
class Drawn:
    """A model as `draw` takes it."""

    model: Any
    clip: Any
    vae: Any


@dataclass(frozen=True)
class Asked:
    """What is drawn.

    Attributes:
        names: to forget and to keep.
        scenes: in which each of them is drawn.
        seed: of the first picture; every picture has its own.
    """

    names: CurveNames
    scenes: Sequence[str]
    seed: int

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Name and scene of every picture, the forgotten's first."""
        names = (*self.names.forgotten, *self.names.kept)
        return [(name, scene) for name in names for scene in self.scenes]

    def prompts(self) -> list[str]:
        return [
            f"a photo of {with_article(name)} in {with_article(scene)}"
            for name, scene in self.shown
        ]

    def of_group(self, group: str) -> slice:
        """The group's pictures."""
        first_kept = len(self.names.forgotten) * len(self.scenes)
        return slice(first_kept) if group == "forgotten" else slice(first_kept, None)


GROUPS = ("forgotten", "kept")


class Subject:
    """A model, what it is asked, and who looks at its pictures.

    Args:
        title: of the model.
        drawn: the model before it forgets.
        asked: what to draw.
        judge: names objects.
        presence: tells something from nothing.
    """

    def __init__(
        self, title: str, drawn: Drawn, asked: Asked, judge: Judge, presence: Judge
    ) -> None:
        self.title, self.plain, self.asked = title, drawn, asked
        self.judge, self.presence = judge, presence
        self._profiles: dict[tuple[str, str], Any] = {}

    @cached_property
    def references(self) -> tuple[Tensor, Tensor]:
        """The plain model's pictures, and those of their scenes alone from the same noise."""
        scenes = [f"a photo of {with_article(scene)}" for _, scene in self.asked.shown]
        asked, seed = self.asked.prompts(), self.asked.seed
        return draw(self.plain, asked, seed), draw(self.plain, scenes, seed)

    def erased(self, line: Line, value: float, told: bool) -> tuple[Drawn, str]:
        """The model that forgot, and its negative prompt."""
        settings: dict[str, Any] = {**line.settings} | ({line.dial: value} if line.dial else {})
        names = self.asked.names
        if line.function == "fia":
            kept = names.kept if told else ()
            return self._replaced(self._masked(names.forgotten, kept, **settings)), ""
        if line.kept_as:
            settings[line.kept_as] = names.kept if told else ()
        if line.function == "concept_prune":
            settings["prompts"] = extension("benchmarks.forget.settings").Prompts(
                contexts=CONTEXTS, cfg=GUIDANCE, width=SIZE, height=SIZE
            )
        method = getattr(extension(f"benchmarks.forget.{line.function}"), line.function)
        result = method(self.plain.model, self.plain.clip, names.forgotten, **settings)
        return self._replaced(result.model, result.clip), result.negative

    def _replaced(self, model: Any, clip: Any = None) -> Drawn:
        return Drawn(model, clip or self.plain.clip, self.plain.vae)

    def _masked(
        self,
        names: Sequence[str],
        kept: Sequence[str],
        spatial_sparsity: float,
        saliency_form: str,
        strength: float,
    ) -> Any:
        """By the nodes' own engine, what is kept on **protect**; the sparsity is a percentage."""
        core = extension("fia_core")
        masks, protect = (
            [
                core.build_concept_mask(profile, spatial_sparsity / 100)
                for profile in self._profiled(group, saliency_form)
            ]
            for group in (names, kept)
        )
        mask = core.fuse_neuron_masks(masks, 0.6, protect).mask
        patch = extension("nodes.host.erasing.weight_patch")
        return patch.apply_neuron_mask(self.plain.model, mask, strength)

    def _profiled(self, names: Sequence[str], form: str) -> list[Any]:
        """Profiles with the paper's settings, each made once."""
        missing = [name for name in names if (name, form) not in self._profiles]
        if missing:
            sampling = extension("nodes.host.profiling.sampling").SamplingSettings(
                0, 50, 10, GUIDANCE, "euler", "normal", SIZE, SIZE
            )
            request = extension("nodes.host.profiling.request").ProfileRequest(
                tuple(missing),
                "object",
                CONTEXTS,
                extension("fia_core").default_templates("object"),
                sampling,
                0.05,
                form,
                0,
            )
            engine = extension("nodes.host.profiling.concepts")
            profiles = engine.profile_concepts(self.plain.model, self.plain.clip, request)
            self._profiles |= {(profile.concept, form): profile for profile in profiles}
        return [self._profiles[name, form] for name in names]

    def rows(self, drawn: Drawn, negative: str, sheet: Path) -> list[dict[str, Any]]:
        """Draw both groups; a row of figures each, and a grid of the first pictures."""
        pictures = draw(drawn, self.asked.prompts(), self.asked.seed, negative=negative)
        sheet.parent.mkdir(parents=True, exist_ok=True)
        first = [pictures[self.asked.of_group(group)][:10] for group in GROUPS]
        grid(torch.cat(first), len(first[0])).save(sheet, quality=85)
        return [self.figures(group, pictures) for group in GROUPS]

    def figures(self, group: str, pictures: Tensor) -> dict[str, Any]:
        """The row of a group, of all pictures."""
        part = self.asked.of_group(group)
        own = pictures[part]
        names, there = self.judge.name_objects(own), self.presence.name_objects(own)
        wanted = [name for name, _ in self.asked.shown[part]]
        plain, scenes = (other[part] for other in self.references)
        return {
            "group": group,
            "pictures": len(own),
            "named": _share(a == b for a, b in zip(names, wanted, strict=True)),
            "something": _share(name == SOMETHING for name in there),
            "from scene": _distance(own, scenes),
            "from plain": _distance(own, plain),
        }

    def plain_rows(self) -> list[dict[str, Any]]:
        """The plain model's own: of both groups, and of the forgotten's scenes alone."""
        plain, scenes = self.references
        alone = self.figures("forgotten", scenes) | {"group": "scenes alone"}
        return [*(self.figures(group, plain) for group in GROUPS), alone]


def _share(answers: Any) -> float:
    found = list(answers)
    return round(sum(found) / len(found), 4)


def _distance(pictures: Tensor, others: Tensor) -> float:
    """Mean absolute difference, of the range of values."""
    return round(float((pictures - others).abs().mean()), 5)


def measure(subject: Subject, lines: Sequence[Line], out: Path) -> None:
    """All settings that OUT/curves.csv has no rows of."""
    table = out / "curves.csv"
    names = subject.asked.names
    about = {"model": subject.title, "names": names.title, "use": names.use}
    about["seed"] = str(subject.asked.seed)
    done = _done(table, about)

    def write(key: tuple[str, ...], rows: list[dict[str, Any]], seconds: float) -> None:
        columns = dict(zip(KEY, key, strict=True))
        for row in rows:
            append(table, about | columns | row | {"seconds": round(seconds, 1)})

    plain = ("no", PLAIN.method, "", "", "")
    if plain not in done:
        write(plain, subject.plain_rows(), 0.0)
    for told in (False, True):
        for line in lines:
            if (told and not line.kept_as) or (line.told_only and not told):
                continue
            for value in line.values:
                key = ("yes" if told else "no", line.method, line.label, line.dial, f"{value:g}")
                if key in done:
                    continue
                start = time.monotonic()
                try:
                    drawn, negative = subject.erased(line, value, told)
                except ValueError as refusal:
                    print(f"{', '.join(key)}: {refusal}", flush=True)
                    continue
                sheet = UNSAFE.sub("_", " ".join((subject.title, *key, about["seed"])))
                rows = subject.rows(drawn, negative, out / "sheets" / f"{sheet}.jpg")
                write(key, rows, time.monotonic() - start)
                figures = [f"{row['group']} {row['named']:.0%}" for row in rows]
                print(f"{', '.join(key)}: {', '.join(figures)}", flush=True)


UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")  # in a file's name
KEY = ("told", "method", "settings", "dial", "value")


def _done(table: Path, about: dict[str, str]) -> set[tuple[str, ...]]:
    if not table.exists():
        return set()
    with table.open(newline="", encoding="utf-8") as file:
        return {
            tuple(row[column] for column in KEY)
            for row in csv.DictReader(file)
            if row["group"] == GROUPS[-1]  # the last of a setting to be written
            and all(row[column] == value for column, value in about.items())
        }


def chosen_lines(methods: Sequence[str], each: int, values: int) -> list[Line]:
    """The first ``each`` lines of every method that is named, all where none is; of each dial
    ``values`` of its values, spread over it."""
    found: list[Line] = []
    for line in LINES:
        known = sum(other.method == line.method for other in found)
        if known < each and (not methods or line.function in methods):
            places = torch.linspace(0, len(line.values) - 1, min(values, len(line.values)))
            kept = tuple(line.values[int(place)] for place in places.round())
            found.append(replace(line, values=kept))
    return found


def subject_of(arguments: argparse.Namespace) -> Subject:
    if arguments.checkpoint is None:
        title, held = "bundled", load_model(BUNDLED)
        judge = load_judge(tuple(OBJECTS), STYLES)
        names = CurveNames("bundled", "validation", IMAGENETTE, tuple(OBJECTS)[10:])
    else:
        title = arguments.checkpoint.stem
        recipe = recipe_in(arguments.recipe, arguments.world)
        held = host_checkpoint(recipe, arguments.checkpoint)
        judge = load_judge(tuple(WORLDS[arguments.world]), STYLES, arguments.judge)
        names = CURVE_NAMES[arguments.use]
    names = names.first(arguments.names)
    first_seed = FIRST_SEED[names.use] + SEEDS_APART * arguments.seed
    asked = Asked(names, SCENES[: arguments.scenes], first_seed)
    presence = load_judge((SOMETHING,), STYLES, arguments.presence)
    return Subject(title, Drawn(held.model, held.clip, held.vae), asked, judge, presence)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", choices=RECIPES)
    parser.add_argument("--checkpoint", type=Path, help="that train.py wrote; else the bundled one")
    parser.add_argument("--world", choices=WORLDS, default="a", help="of the checkpoint")
    parser.add_argument(
        "--use", choices=CURVE_NAMES, default="validation", help="the names; test is in world b"
    )
    parser.add_argument("--judge", type=Path, help="of the checkpoint's world")
    parser.add_argument("--presence", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--methods", nargs="*", default=[], help="by their functions' names")
    parser.add_argument("--lines", type=int, default=4, help="of each method")
    parser.add_argument("--values", type=int, default=5, help="of each dial")
    parser.add_argument("--names", type=int, default=20, help="of those to forget, and to keep")
    parser.add_argument("--scenes", type=int, default=2, help="that each name is drawn in")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.checkpoint is not None and (arguments.recipe is None or arguments.judge is None):
        parser.error("--checkpoint: say its --recipe and the --judge of its world, too")
    if not set(CURVE_NAMES[arguments.use].forgotten) <= set(WORLDS[arguments.world]):
        parser.error(f"--use: world {arguments.world} has no {TEST.title}; take --world b")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with torch.inference_mode():
        lines = chosen_lines(arguments.methods, arguments.lines, arguments.values)
        measure(subject_of(arguments), lines, arguments.out)


if __name__ == "__main__":
    main()
