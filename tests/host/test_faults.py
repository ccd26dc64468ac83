"""Faults at every stage: a message, files whole or absent, nothing hooked, pictures as before.

``docs/limits.md`` says what is left after a fault, and names the tests in other files.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, NoReturn

import folder_paths
import pytest
import torch
from comfy import model_management
from comfy.model_management import OOM_EXCEPTION
from graphs import (
    QUICK,
    GraphError,
    apply_node,
    draw,
    fuse_node,
    node,
    picture_graph,
    profile_graph,
    profiled,
    sources,
    watched,
)
from tiny_model import TinyModel, tiny_sd
from traces import traces, traces_of_a_new_model

import nodes

Act = Callable[[], None]


def interrupt() -> None:
    nodes.interrupt_processing()


def fail() -> NoReturn:
    raise RuntimeError("of the test")


def out_of_memory() -> NoReturn:
    raise OOM_EXCEPTION("out of memory")


def disk_full() -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


ACTS: dict[str, tuple[Act, str]] = {
    "interrupt": (interrupt, "execution_interrupted"),
    "exception": (fail, "of the test"),
    "out of memory": (out_of_memory, "out of memory"),
}
"""What happens, and a word of the host's message."""


@dataclass(frozen=True)
class Place:
    """A function of the extension that a stage calls, and at which call something happens."""

    module: str
    owner: str
    function: str
    call: int


STAGES = {
    "profiling, a prompt's saliency": Place(
        "nodes.host.profiling.step_statistics", "", "alignments", 3
    ),
    "building, the second layer": Place(
        "fia_core.profile", "SparseSensitivity", "concept_sensitive_mask", 2
    ),
    "fusing, the second layer": Place("fia_core.masking", "", "fuse_masks", 2),
    "saving, the file's bytes": Place("fia_core.mask", "", "file_bytes", 1),
    "applying, the second weight": Place(
        "nodes.host.applying.weight_patch", "NeuronMaskPatch", "calculate_weight", 2
    ),
    "cache, keeping a profile": Place("fia_core.profile", "", "file_bytes", 1),
}


@pytest.fixture(scope="module")
def model(extension: Any) -> TinyModel:
    """A model that no other test touches."""
    return tiny_sd()


@pytest.fixture(scope="module")
def plain(host: Any, extension: Any) -> torch.Tensor:
    """What a model draws that has never met this extension, as in a fresh server."""
    with torch.inference_mode():
        return draw(host, tiny_sd())


@pytest.fixture(scope="module")
def erased(
    host: Any, model: TinyModel, plain: torch.Tensor, tmp_path_factory: pytest.TempPathFactory
) -> tuple[torch.Tensor, bytes]:
    """Picture and mask of the whole chain without a fault."""
    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        use_folders(patch, tmp_path_factory.mktemp("erased"))
        result = run(host, model)
    assert not torch.equal(result[0], plain)
    return result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of masks and, below "user", that of the cache, both empty."""
    use_folders(monkeypatch, tmp_path)
    return tmp_path


def use_folders(patch: pytest.MonkeyPatch, folder: Path) -> None:
    patch.setitem(folder_paths.folder_names_and_paths, "neuron_masks", ([str(folder)], {""}))
    patch.setattr(folder_paths, "user_directory", str(folder / "user"))


@pytest.fixture(autouse=True)
def as_before(
    host: Any,
    extension: Any,
    model: TinyModel,
    plain: torch.Tensor,
    erased: tuple[torch.Tensor, bytes],
    folder: Path,
) -> Iterator[None]:
    """After every test all is as before, and the same graph runs to its end."""
    yield
    require_as_before(host, extension, model, plain, folder)
    picture, mask = run(host, model)
    assert torch.equal(picture, erased[0]) and mask == erased[1]
    require_whole_files(extension, folder)


def require_as_before(
    host: Any, extension: Any, model: TinyModel, plain: torch.Tensor, folder: Path
) -> None:
    """Files whole, nothing left in the model, and the plain picture bit for bit."""
    require_whole_files(extension, folder)
    assert torch.equal(draw(host, model), plain)
    assert traces(model) == traces_of_a_new_model()


def require_whole_files(extension: Any, folder: Path) -> None:
    core = extension.module("fia_core")
    for file in filter(Path.is_file, folder.rglob("*")):
        assert file.suffix == ".safetensors", file
        (core.ConceptProfile if "user" in file.parts else core.NeuronMask).load(file)


TWO = {"concepts": "church\ncat", "batch_size": 1, "use_cache": True}


def run(host: Any, model: TinyModel) -> tuple[torch.Tensor, bytes]:
    """All stages: two concepts profiled, kept, built, fused, saved, applied; picture and mask."""
    host.forget()
    graph = {
        **profile_graph(host, model.model, model.clip, **TWO, **QUICK),
        **sources(host, model),
        "fuse": fuse_node(),
        "save": node("FIASaveNeuronMask", mask=["fuse", 0], filename_prefix="mask"),
        "apply": apply_node(mask="fuse"),
        **picture_graph(["apply", 0]),
    }
    picture = host.run(graph, "picture")[0].clone()
    return picture, host.run(graph, "fuse")[0].to_bytes()


def arm(
    monkeypatch: pytest.MonkeyPatch, extension: Any, place: Place, act: Act
) -> Callable[[], int]:
    """Let ``act`` happen before a call of a function; how often it was called so far."""
    holder = extension.module(place.module)
    if place.owner:
        holder = getattr(holder, place.owner)
    function = getattr(holder, place.function)
    calls = 0

    def called(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == place.call:
            act()
        return function(*args, **kwargs)

    monkeypatch.setattr(holder, place.function, called)
    return lambda: calls


@pytest.mark.parametrize("stage", STAGES)
def test_faults_at_a_stage(
    host: Any, extension: Any, model: TinyModel, plain: torch.Tensor, folder: Path, stage: str
) -> None:
    for act, word in ACTS.values():
        if stage.startswith("cache"):
            shutil.rmtree(folder / "user", ignore_errors=True)
        with pytest.MonkeyPatch.context() as patch:
            calls = arm(patch, extension, STAGES[stage], act)
            with pytest.raises(GraphError, match=word):
                run(host, model)
            assert calls() >= STAGES[stage].call
        require_as_before(host, extension, model, plain, folder)


def test_a_fault_in_any_part_of_the_denoiser(host: Any, model: TinyModel, folder: Path) -> None:
    """Every 16th module without parts of its own, each with the next fault."""
    parts = [part for part in model.model.model.diffusion_model.modules() if not [*part.children()]]
    failed = 0
    for part, fault in zip(parts[::16], cycle(ACTS), strict=False):
        _, word = ACTS[fault]
        with pytest.MonkeyPatch.context() as patch:
            called = break_forward(patch, part, fault)
            try:
                profile(host, model)
            except GraphError as error:
                assert word in str(error)
                failed += 1
            else:
                assert not called(), part  # no forward needs it
        assert traces(model) == traces_of_a_new_model()
    assert failed > 5
    assert not list(folder.rglob("*"))


def break_forward(
    patch: pytest.MonkeyPatch, module: torch.nn.Module, fault: str
) -> Callable[[], bool]:
    """Let a fault happen at a module's first forward; whether it has."""
    act, _ = ACTS[fault]
    forward, called = module.forward, False

    def broken(*args: Any, **kwargs: Any) -> Any:
        nonlocal called
        called = True
        act()
        return forward(*args, **kwargs)

    patch.setattr(module, "forward", broken)
    return lambda: called


def profile(host: Any, model: TinyModel, **inputs: Any) -> Any:
    """A concept's profile, quick."""
    return profiled(host, model.model, model.clip, **{**QUICK, "batch_size": 1, **inputs})


def test_a_full_disk_while_a_mask_is_saved(host: Any, model: TinyModel, folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: disk_full())
        with pytest.raises(GraphError, match=r"cannot be written \(No space left on device\)"):
            run(host, model)
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_saving_sweeps_away_what_a_killed_process_left(
    host: Any, model: TinyModel, folder: Path
) -> None:
    old, new = folder / ".fia-1.tmp", folder / ".fia-2.tmp"
    theirs = folder / ".syncthing.other.tmp"
    for file in (old, new, theirs):
        file.write_bytes(b"half")
        os.utime(file, (0, 0))
    os.utime(new)
    run(host, model)
    assert not old.exists()
    assert new.exists()  # another process may be writing it
    assert theirs.exists(), "another program's"
    new.unlink()
    theirs.unlink()


def test_a_full_disk_while_profiles_are_kept_costs_the_cache_only(
    host: Any, model: TinyModel, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: disk_full())
        made = profile(host, model, use_cache=True)
    assert made.concept == "church"
    assert "Not kept on disk" in caplog.text and "No space left" in caplog.text
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_out_of_memory_that_only_a_newer_host_recognises(
    host: Any, model: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device may say it late and in another error; newer hosts have a function that knows."""
    monkeypatch.setattr(model_management, "is_oom", lambda e: "late" in str(e), raising=False)
    rows: list[int] = []

    def run(call: dict[str, Any]) -> None:
        rows.append(len(call["input"]))
        if rows[-1] > 2:
            raise RuntimeError("out of memory, late")

    crowded = watched(model.model, run)
    halved = profile(host, TinyModel(crowded, model.clip, model.vae), batch_size=2)
    assert rows[:2] == [4, 2]
    assert halved.concept == "church"
