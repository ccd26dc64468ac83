"""The work of ``demo.py`` once its environment is there."""

import asyncio
import shutil
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image

from demo_model.judge import load_judge
from demo_model.vocabulary import OBJECTS, STYLES
from workbench.console import ProgressLine
from workbench.environment import ROOT
from workbench.erasure import FIRST_STEPS, PLAIN, Answer, Case, ask, demo_workflow, shots
from workbench.graph import only_node
from workbench.grid import before_after_sheet
from workbench.server import BASE, host_environment, running_server, stop

PAGE_NAME = "First steps.json"
STRENGTHS = (0.0, 2.0)


class DemonstrationError(ValueError):
    """A choice that the demonstration cannot follow; the message says what is possible."""


async def serve(port: int) -> None:
    """Run ComfyUI with the first workflow at hand until the person ends it."""
    print("Starting ComfyUI …", flush=True)
    async with running_server(port=port, threads=None, previews=True) as server:
        saved = offer_workflow(BASE / "user" / "default" / "workflows")
        print(f"\nComfyUI runs at {server.address}")
        print(f"Open the sidebar's Workflows, then “{saved.stem}”, and press Run;")
        print("or choose one of the extension's Templates.")
        print("Ctrl-C ends it.", flush=True)
        await server.wait()


def offer_workflow(folder: Path) -> Path:
    """Put the first workflow among the user's own; one that is there may have been changed."""
    saved = folder / PAGE_NAME
    if not saved.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FIRST_STEPS, saved)
    return saved


async def demonstrate(forget: str, strength: float | None, seeds: int, out: Path) -> None:
    """Forget, draw before and after, judge both; write the sheet and the table into ``out``.

    Raises:
        DemonstrationError: an unknown object, none, all, one twice, or a number out of range.
    """
    start = time.monotonic()
    case_forget = parse_forget(forget)
    if seeds < 1:
        raise DemonstrationError(f"--seeds {seeds}: at least 1")
    if strength is not None and not STRENGTHS[0] <= strength <= STRENGTHS[1]:
        raise DemonstrationError(f"--strength {strength}: it must lie between 0 and 2")
    judge = load_judge(tuple(OBJECTS), STYLES)

    asked = [shot for seed in range(1, seeds + 1) for shot in shots(case_forget, seed)]
    minutes = f"about {2 * seeds} minutes on two cores"
    print(f"{len(asked)} pictures before and as many after: {minutes}.")
    print("Starting ComfyUI …", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    async with running_server() as server, drawing_twin(out / "twin.png"):
        workflow = await demo_workflow(server)
        if strength is None:
            _, apply = only_node("FIAApplyNeuronMask", workflow)
            strength = float(apply["inputs"]["strength"])
        case = Case(case_forget, strength)
        before, after = [], []
        for title, this, answers in (("before", PLAIN, before), ("after", case, after)):
            with ProgressLine(title, len(asked)) as line:
                answers += await ask(server, workflow, this, asked, judge, line)

    pairs = first_pairs(before, after, case_forget)
    before_after_sheet(pairs, case_forget, "mask").save(out / "before_after.png")
    table = accuracy_table(before, after, case)
    (out / "table.txt").write_text(table + "\n", encoding="utf-8")
    print(f"\n{table}\n\nPictures: {out / 'before_after.png'}")
    print(f"A model that nobody built to forget, and Forget LoRA: {out / 'twin.png'}")
    print(f"Took {time.monotonic() - start:.0f} s.")


@asynccontextmanager
async def drawing_twin(file: Path) -> AsyncIterator[None]:
    """Draw the sheet of the twin on another core while the block runs; it is there afterwards.

    Raises:
        DemonstrationError: it could not be drawn.
    """
    command = [sys.executable, "-m", "workbench.twin", str(BASE), str(file.resolve())]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=host_environment(1),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
    )
    try:
        yield
        _, errors = await process.communicate()
        if process.returncode:
            raise DemonstrationError(f"The twin was not drawn.\n{errors.decode(errors='replace')}")
    finally:
        await stop(process)


def parse_forget(text: str) -> tuple[str, ...]:
    """``"church, golf ball"`` → ``("church", "golf ball")``."""
    names = tuple(" ".join(part.lower().split()) for part in text.split(",") if part.strip())
    for name in names:
        if name not in OBJECTS:
            raise DemonstrationError(
                f"--forget: the demo model does not know {name!r}. It knows: {', '.join(OBJECTS)}"
            )
        if names.count(name) > 1:
            raise DemonstrationError(f"--forget: {name!r} is there twice")
    if not 1 <= len(names) < len(OBJECTS):
        raise DemonstrationError("--forget: name at least one object, and leave at least one")
    return names


def first_pairs(
    before: list[Answer], after: list[Answer], forget: tuple[str, ...]
) -> list[tuple[str, Image.Image, Image.Image]]:
    """One pair of pictures an object, the forgotten first."""
    pairs: dict[str, tuple[Image.Image, Image.Image]] = {}
    for old, new in zip(before, after, strict=True):
        pairs.setdefault(old.shot.object, (old.picture, new.picture))
    order = [*forget, *(name for name in OBJECTS if name not in forget)]
    return [(name, *pairs[name]) for name in order]


def accuracy_table(before: list[Answer], after: list[Answer], case: Case) -> str:
    """The judge's accuracy before and after: each forgotten object, each kept one, the means."""
    kept = tuple(name for name in OBJECTS if name not in case.forget)
    lines = [
        f"The judge finds the object, strength {case.strength:g}:",
        f"{'':24}before   after  pictures",
    ]
    for title, names in (("forgotten", case.forget), ("kept", kept)):
        lines.append(f"{title:22}{shares(before, after, names)}")
        lines += [f"  {name:20}{shares(before, after, (name,))}" for name in names]
    return "\n".join(lines)


def shares(before: list[Answer], after: list[Answer], names: tuple[str, ...]) -> str:
    """Right answers among those that asked for one of ``names``, and how many these are."""
    rights = [
        [answer.right for answer in answers if answer.shot.object in names]
        for answers in (before, after)
    ]
    cells = "".join(f"{sum(right) / len(right):>8.0%}" for right in rights)
    return f"{cells}{len(rights[0]):>10}"
