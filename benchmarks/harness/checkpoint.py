"""A suite of a checkpoint: its file for the server, and the workflow with its settings."""

import hashlib
import json
import shutil
from functools import cache
from pathlib import Path

from workbench.client import Server
from workbench.environment import ROOT
from workbench.erasure import demo_workflow
from workbench.graph import ALWAYS, only_node, to_api

from .method import Setup
from .suite import Suite, SuiteError

CHECKPOINT_WORKFLOW = ROOT / "workflows" / "export_erased_checkpoint.json"
"""With a checkpoint for Stable Diffusion 1.5 and the paper's settings."""

PART = 1 << 24  # bytes read at once


async def setup_of(suite: Suite, server: Server) -> Setup:
    """What the suite's methods build on: its checkpoint, or the demo workflow's model."""
    if suite.checkpoint is None:
        return Setup.of_workflow(await demo_workflow(server))
    page = json.loads(CHECKPOINT_WORKFLOW.read_text(encoding="utf-8"))
    # The export itself is muted, until a person has seen the preview; no method needs it.
    page["nodes"] = [node for node in page["nodes"] if node["mode"] == ALWAYS]
    workflow = to_api(page, await server.object_info())
    _, loader = only_node("CheckpointLoaderSimple", workflow)
    loader["inputs"]["ckpt_name"] = suite.checkpoint.name
    return Setup.of_workflow(workflow)


def with_checkpoint(suite: Suite, path: Path) -> Suite:
    """The suite with another file in place of its checkpoint.

    Raises:
        SuiteError: it has none.
    """
    if suite.checkpoint is None:
        raise SuiteError(f"--checkpoint: {suite.name} draws with the demo model; leave it out")
    return suite.model_copy(update={"checkpoint": path})


def offer_checkpoint(suite: Suite, base: Path) -> None:
    """Put the suite's checkpoint, if it has one, where the server in ``base`` looks for it.

    Raises:
        SuiteError: the file is not there.
    """
    if suite.checkpoint is None:
        return
    require_checkpoint(suite.checkpoint)
    place = base / "models" / "checkpoints" / suite.checkpoint.name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    try:
        place.symlink_to(suite.checkpoint.resolve())
    except OSError:  # Windows lets only some people link
        shutil.copyfile(suite.checkpoint, place)


def require_checkpoint(path: Path) -> None:
    """Raise SuiteError if the checkpoint is not there."""
    if not path.is_file():
        raise SuiteError(
            f"checkpoint: {path} is not there; put it there, or name the file with --checkpoint. "
            "With --dry-run the bundled demo model stands in for it."
        )


@cache
def fingerprint(path: Path) -> str:
    """A hash of the file's content.

    Raises:
        SuiteError: the file is not there.
    """
    require_checkpoint(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(PART):
            digest.update(part)
    return digest.hexdigest()
