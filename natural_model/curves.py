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
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from curve_lines import LINES, Line
from names import CURVE_NAMES, TEST, VALIDATION, WORLDS, CurveNames
from paths import BUNDLED, use_training_scripts
from recipes import RECIPES, recipe_in

use_training_scripts()
from host import use_host  # noqa: E402

use_host()
from curve_subject import FIRST_SEED, GROUPS, SCENES, Asked, Drawn, Subject  # noqa: E402
from draw import GUIDANCE, load_model  # noqa: E402
from hosted import host_checkpoint  # noqa: E402
from judge import load_judge  # noqa: E402
from screen import append  # noqa: E402
from train_presence_judge import SOMETHING  # noqa: E402
from vocabulary import IMAGENETTE, OBJECTS, STYLES  # noqa: E402

SEEDS_APART = 1_000  # more than the pictures of a setting
PLAIN = Line("plain model", "", "", "", ())


def measure(subject: Subject, lines: Sequence[Line], out: Path) -> None:
    """All settings that OUT/curves.csv has no rows of."""
    table = out / "curves.csv"
    names = subject.asked.names
    about = {"model": subject.title, "names": names.title, "use": names.use}
    about |= {"seed": str(subject.asked.seed), "guidance": f"{subject.guidance:g}"}
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
                    drawn = subject.erased(line, value, told)
                except ValueError as refusal:
                    print(f"{', '.join(key)}: {refusal}", flush=True)
                    continue
                sheet = UNSAFE.sub("_", " ".join((subject.title, *key, about["seed"])))
                rows = subject.rows(drawn, out / "sheets" / f"{sheet}.jpg")
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
        title = f"{arguments.checkpoint.stem}, world {arguments.world}"
        recipe = recipe_in(arguments.recipe, arguments.world)
        held = host_checkpoint(recipe, arguments.checkpoint)
        judge = load_judge(tuple(WORLDS[arguments.world]), STYLES, arguments.judge)
        names = CURVE_NAMES[arguments.use]
    names = names.first(arguments.names)
    first_seed = FIRST_SEED[names.use] + SEEDS_APART * arguments.seed
    asked = Asked(names, SCENES[: arguments.scenes], first_seed)
    presence = load_judge((SOMETHING,), STYLES, arguments.presence)
    drawn = Drawn(held.model, held.clip, held.vae)
    return Subject(title, drawn, asked, arguments.guidance, judge, presence)


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
    parser.add_argument("--guidance", type=float, default=GUIDANCE, help="its scale")
    parser.add_argument("--methods", nargs="*", default=[], help="by their functions' names")
    parser.add_argument("--lines", type=int, default=4, help="of each method")
    parser.add_argument("--values", type=int, default=5, help="of each dial")
    parser.add_argument("--names", type=int, default=20, help="of those to forget, and to keep")
    parser.add_argument("--scenes", type=int, default=2, help="that each name is drawn in")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.checkpoint is not None and (arguments.recipe is None or arguments.judge is None):
        parser.error("--checkpoint: say its --recipe and the --judge of its world, too")
    if arguments.checkpoint is None and arguments.use != VALIDATION.use:
        parser.error("--use: the bundled model has validation names alone; give a --checkpoint")
    if not set(CURVE_NAMES[arguments.use].forgotten) <= set(WORLDS[arguments.world]):
        parser.error(f"--use: world {arguments.world} has no {TEST.title}; take --world b")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with torch.inference_mode():
        lines = chosen_lines(arguments.methods, arguments.lines, arguments.values)
        measure(subject_of(arguments), lines, arguments.out)


if __name__ == "__main__":
    main()
