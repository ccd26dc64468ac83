"""Drawings of the world's things from free emoji sets, which stay out of the repository.

    python natural_model/drawings.py --world a --out DIR

fetches four npm packages with ``npm pack`` and draws what a world names, 160 pixels a side, as
DIR/SET/NAME.png. It needs npm and the Python package resvg-py.
"""

import argparse
import io
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from names import WORLDS
from PIL import Image

SIDE = 160


@dataclass(frozen=True)
class EmojiSet:
    """An npm package of emoji in Iconify's JSON form, and the terms of its pictures."""

    package: str
    version: str
    pictures: str
    author: str
    licence: str


SETS = {
    "noto": EmojiSet("@iconify-json/noto", "1.2.9", "Noto Emoji", "Google LLC", "Apache-2.0"),
    "blob": EmojiSet(
        "@iconify-json/noto-v1", "1.2.5", "Noto Emoji, version 1", "Google LLC", "Apache-2.0"
    ),
    "twemoji": EmojiSet(
        "@iconify-json/twemoji", "1.2.5", "Twemoji", "Twitter, Inc and other contributors",
        "CC-BY-4.0",
    ),
    "fluent": EmojiSet(
        "@iconify-json/fluent-emoji-flat", "1.2.6", "Fluent Emoji", "Microsoft Corporation", "MIT"
    ),
}  # fmt: skip
"""Folder name → set. OpenMoji (CC BY-SA 4.0) is left out for its share-alike term."""


@dataclass(frozen=True)
class Drawings:
    """Draws a thing as one of the sets that have it; a `World`'s ``drawing``."""

    folder: Path

    def __call__(self, name: str, rng: np.random.Generator) -> Image.Image:
        return _open(Path(rng.choice(_drawings_of(self.folder, name))))


@cache
def _drawings_of(folder: Path, name: str) -> list[str]:
    """The files, in the order of the sets. The blobs have no parachute and no carpentry saw.

    Raises ValueError where no set has the thing.
    """
    files = [folder / title / f"{name}.png" for title in SETS]
    found = [str(file) for file in files if file.exists()]
    if not found:
        raise ValueError(f"drawings: {folder} has none of {name!r}; run drawings.py again")
    return found


@cache
def _open(file: Path) -> Image.Image:
    """RGBA, cropped to its ink and centred on a square."""
    picture = Image.open(file).convert("RGBA")
    ink = picture.crop(picture.getbbox())
    side = max(ink.size)
    square = Image.new("RGBA", (side, side))
    square.paste(ink, ((side - ink.width) // 2, (side - ink.height) // 2))
    return square


def fetch(chosen: EmojiSet) -> dict[str, Any]:
    """The package's ``icons.json``; ValueError where its licence is another than `SETS` says."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--silent", f"{chosen.package}@{chosen.version}"]
        packed = subprocess.run(command, cwd=scratch, check=True, capture_output=True, text=True)
        with tarfile.open(Path(scratch) / packed.stdout.split()[-1]) as archive:
            check_licence(chosen, _member(archive, "package/info.json"))
            return _member(archive, "package/icons.json")


def check_licence(chosen: EmojiSet, info: dict[str, Any]) -> None:
    """Raises ValueError where ``info.json`` states another licence than the set's."""
    stated = info["license"]["spdx"]
    if stated != chosen.licence:
        raise ValueError(
            f"{chosen.package}: its licence is {stated}, not {chosen.licence}; check its terms, "
            "then change SETS and NOTICE"
        )


def _member(archive: tarfile.TarFile, name: str) -> dict[str, Any]:
    file = archive.extractfile(name)
    assert file is not None
    return json.load(file)


def as_svg(icons: dict[str, Any], emoji: str) -> str:
    """One icon of a set as an SVG file's text."""
    emoji = icons["aliases"].get(emoji, {"parent": emoji})["parent"]
    icon = icons["icons"][emoji]
    width, height = (icon.get(side, icons[side]) for side in ("width", "height"))
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"<svg {names} {box}>{icon['body']}</svg>"


def draw_set(chosen: EmojiSet, things: dict[str, str], folder: Path) -> None:
    """Draw every thing that the set has, RGBA, as ``NAME.png``."""
    import resvg_py  # pyright: ignore[reportMissingImports]

    folder.mkdir(parents=True, exist_ok=True)
    icons = fetch(chosen)
    for name, emoji in things.items():
        if emoji not in icons["icons"] | icons["aliases"]:
            continue
        drawn = resvg_py.svg_to_bytes(svg_string=as_svg(icons, emoji), width=SIDE, height=SIDE)
        Image.open(io.BytesIO(drawn)).save(folder / f"{name}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--world", choices=WORLDS, default="a")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for title, chosen in SETS.items():
        draw_set(chosen, WORLDS[arguments.world], arguments.out / title)
        print(f"{title}: {chosen.pictures} by {chosen.author}, {chosen.licence}")
