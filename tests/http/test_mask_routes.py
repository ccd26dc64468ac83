"""What the page asks about masks: right answers, and no way to anything but a mask file."""

import base64
import lzma
import os
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import torch

from fia_core import ModelIdentity, NeuronMask
from fia_core.mask_text import MAX_TEXT, read_embedded_mask
from fuzzing.wrong_masks import wrong_masks

CARD = "/forget_it_all/mask_card"
TEXT = "/forget_it_all/embedded_mask"
UPLOAD = "/forget_it_all/upload_mask"
ARCHITECTURE = "/forget_it_all/architecture"


def small_mask(concept: str = "church", size: int = 64) -> NeuronMask:
    generator = torch.Generator().manual_seed(len(concept))
    layer = torch.rand((size, size), generator=generator) < 0.02
    model = ModelIdentity("SD15 (1 FFN2 layer)", "ab" * 32)
    return NeuronMask({"layer": layer}, model, (concept,), {"spatial_sparsity": 0.02}, {})


@pytest.fixture
def folder(client: Any) -> Path:
    """The server's folder of masks, empty."""
    folder = client.base / "models" / "neuron_masks"
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    return folder


@pytest.fixture
def saved(folder: Path) -> NeuronMask:
    mask = small_mask()
    mask.save(folder / "church.safetensors")
    return mask


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def upload(client: Any, name: str = "m", mask: NeuronMask | None = None) -> tuple[int, Any]:
    """Send a small mask; status and answer."""
    data = (mask or small_mask()).to_bytes()
    return client.ask("POST", UPLOAD, params={"name": name}, data=data)


def test_a_files_card_says_what_it_is(client: Any, saved: NeuronMask) -> None:
    status, answer = client.ask("GET", CARD, params={"name": "church.safetensors"})
    assert status == 200
    card = answer["card"]
    assert card["title"] == "church"
    rows = dict(card["rows"])
    assert rows["made for"] == "SD15 (1 FFN2 layer)"
    assert rows["switches off"].startswith(f"{saved.count} of 4,096 FFN2 weights")


def test_the_text_of_a_file_has_the_files_card(client: Any, saved: NeuronMask) -> None:
    status, answer = client.ask("GET", TEXT, params={"name": "church.safetensors"})
    assert status == 200
    assert read_embedded_mask(answer["embedded"]).to_bytes() == saved.to_bytes()
    _, of_file = client.ask("GET", CARD, params={"name": "church.safetensors"})
    assert of_file["card"].pop("may_embed"), "asked of files alone"
    assert client.ask("POST", CARD, data=answer["embedded"]) == (200, of_file)


@pytest.mark.parametrize("path", [CARD, TEXT])
@pytest.mark.parametrize(
    "name",
    [
        "../comfyui.log",
        "../secret.safetensors",
        "..\\secret.safetensors",
        "./church.safetensors",
        "a/../church.safetensors",
        "/etc/passwd",
        "church.safetensors\0.png",
        "\ud83d",
        "x" * 5000,
        "notes.txt",
        "gone.safetensors",
    ],
)
def test_only_listed_names_are_read(
    client: Any, saved: NeuronMask, folder: Path, path: str, name: str
) -> None:
    small_mask("secret").save(folder.parent / "secret.safetensors")
    (folder / "notes.txt").write_text("church", encoding="utf-8")
    name = name.encode(errors="replace").decode()
    status, answer = client.ask("GET", path, params={"name": name})
    if path == CARD:
        assert (status, answer) == (200, {"card": None})
    else:
        assert status == 400
        assert answer["error"].startswith("mask_file: there is no mask file ")


@pytest.mark.parametrize("method, path", [("GET", CARD), ("GET", TEXT), ("POST", UPLOAD)])
def test_a_request_without_a_name_is_told_so(client: Any, method: str, path: str) -> None:
    status, answer = client.ask(method, path)
    assert (status, list(answer)) == (400, ["error"])
    assert answer["error"].startswith("name: there is none.")


def test_wrong_masks_are_refused_in_words_by_every_route(client: Any, folder: Path) -> None:
    for data, _ in wrong_masks():
        (folder / "wrong.safetensors").write_bytes(data)
        text = base64.b64encode(lzma.compress(data, preset=0))
        requests: list[tuple[str, str, dict[str, Any], str]] = [
            ("GET", CARD, {"params": {"name": "wrong.safetensors"}}, "wrong.safetensors: this"),
            ("GET", TEXT, {"params": {"name": "wrong.safetensors"}}, "wrong.safetensors: this"),
            ("POST", CARD, {"data": text}, "embedded: this"),
            (
                "POST",
                UPLOAD,
                {"params": {"name": "sent.png"}, "data": data},
                "sent.png.safetensors",
            ),
        ]
        for method, path, options, words in requests:
            status, answer = client.ask(method, path, **options)
            assert status == 400
            assert words in answer["error"]
            assert method == "GET" or str(folder) not in answer["error"]
        assert names(folder) == ["wrong.safetensors"]


def test_endless_text_is_not_read(client: Any) -> None:
    status, answer = client.ask("POST", CARD, data=b"A" * (MAX_TEXT + 1))
    assert status == 413
    assert f"more than the {MAX_TEXT:,} characters" in answer["error"]


def test_an_uploaded_mask_is_listed_and_the_same_and_the_folder_is_made(
    client: Any, folder: Path
) -> None:
    folder.rmdir()
    status, answer = upload(client, "church.safetensors")
    assert (status, answer) == (200, {"name": "church.safetensors"})
    assert (folder / "church.safetensors").read_bytes() == small_mask().to_bytes()
    assert names(folder) == ["church.safetensors"]
    assert client.ask("GET", CARD, params=answer)[0] == 200


def test_an_upload_never_overwrites(client: Any, folder: Path) -> None:
    for concept, stored in (
        ("church", "m.safetensors"),
        ("golf ball", "m (1).safetensors"),
        ("church", "m.safetensors"),  # the same content is there already
    ):
        _, answer = upload(client, "m.safetensors", small_mask(concept))
        assert answer["name"] == stored
        assert NeuronMask.load(folder / stored).concepts == (concept,)


@pytest.mark.parametrize(
    "name, stored",
    [
        ("../../escaped.safetensors", "escaped.safetensors"),
        ("..\\..\\escaped.safetensors", "escaped.safetensors"),
        ("/etc/cron.d/job", "job.safetensors"),
        ("..", "mask.safetensors"),
        (".hidden.safetensors", "hidden.safetensors"),
        ("a\0b\n<c>:|?*.SafeTensors", "a_b__c_____.safetensors"),
        ("CON.safetensors", "_CON.safetensors"),
        ("Kirche – église 教堂.safetensors", "Kirche – église 教堂.safetensors"),
        ("run.py", "run.py.safetensors"),
    ],
)
def test_an_upload_stays_in_the_folder(client: Any, folder: Path, name: str, stored: str) -> None:
    around = sorted(folder.parent.iterdir())
    assert upload(client, name) == (200, {"name": stored})
    assert names(folder) == [stored]
    assert sorted(folder.parent.iterdir()) == around


def test_a_very_long_name_is_cut(client: Any, folder: Path) -> None:
    status, answer = upload(client, "教" * 500)
    assert status == 200
    assert len(answer["name"].encode()) < 255
    assert names(folder) == [answer["name"]]


def test_an_upload_above_the_hosts_limit_is_refused_and_leaves_nothing(
    client: Any, folder: Path
) -> None:
    async def endless() -> Any:
        for _ in range(110):
            yield bytes(1 << 20)

    status, answer = client.ask("POST", UPLOAD, params={"name": "m"}, data=endless())
    assert status == 413
    assert "more than the 104,857,600 bytes that may be uploaded" in answer["error"]
    assert names(folder) == []


def test_an_upload_that_breaks_off_leaves_nothing(client: Any, folder: Path) -> None:
    data = small_mask().to_bytes()

    async def breaks_off() -> Any:
        yield data[:100]
        raise ConnectionError("of the test")

    with pytest.raises((ConnectionError, aiohttp.ClientError)):
        client.ask("POST", UPLOAD, params={"name": "m"}, data=breaks_off())
    client.ask("GET", CARD, params={"name": "gone"})  # the server goes on
    for _ in range(100):  # a busy one notices late
        if not names(folder):
            break
        time.sleep(0.1)
    assert names(folder) == []


def test_an_upload_sweeps_away_what_a_killed_server_left(client: Any, folder: Path) -> None:
    old, new = folder / ".fia-1.upload", folder / ".fia-2.upload"
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (0, 0))
    upload(client)
    assert not old.exists()
    assert new.exists()  # another upload may be under way
    new.unlink()


def test_a_disk_that_refuses_is_told(client: Any, folder: Path) -> None:
    folder.rmdir()
    folder.write_text("a file where the folder should be")
    try:
        status, answer = upload(client)
    finally:
        folder.unlink()
    assert (status, list(answer)) == (500, ["error"])
    assert answer["error"].startswith("The server's disk: ")


def test_another_sites_page_cannot_upload(client: Any, folder: Path) -> None:
    async def request() -> int:
        address = f"{client.server.address}{UPLOAD}?name=m"
        headers = {"Origin": "http://example.com"}
        data = small_mask().to_bytes()
        async with client.server.session.post(address, data=data, headers=headers) as answer:
            return answer.status

    assert client.wait(request()) == 403
    assert names(folder) == []


def test_the_demo_models_architecture_is_known_before_it_is_loaded(client: Any) -> None:
    status, answer = client.ask("GET", ARCHITECTURE, params={"node": "FIADemoModel", "name": ""})
    assert status == 200
    assert answer["architecture"].startswith("DemoConfig (10 FFN2 layers, ")


@pytest.mark.parametrize(
    "node, name",
    [
        ("CheckpointLoaderSimple", "../neuron_masks/church.safetensors"),
        ("CheckpointLoaderSimple", "gone.safetensors"),
        ("CheckpointLoaderSimple", "broken.safetensors"),
        ("CheckpointLoaderSimple", "church.safetensors"),
        ("CheckpointLoaderSimple", "pickle.ckpt"),
        ("UNETLoader", "/etc/passwd"),
        ("KSampler", "x"),
        ("", ""),
    ],
)
def test_no_architecture_is_known_of_what_is_no_readable_model(
    client: Any, saved: NeuronMask, folder: Path, node: str, name: str
) -> None:
    checkpoints = folder.parent / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    saved.save(checkpoints / "church.safetensors")
    (checkpoints / "broken.safetensors").write_bytes(b"\xff" * 100)
    (checkpoints / "pickle.ckpt").write_bytes(b"\x80\x04.")
    answer = client.ask("GET", ARCHITECTURE, params={"node": node, "name": name})
    assert answer == (200, {"architecture": None})
