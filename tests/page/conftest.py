"""The real page in Chromium, on one real ComfyUI for all tests here, in either renderer."""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from comfy_page import NO_MOTION, VIEWPORT, ComfyPage
from playwright.sync_api import Browser, expect, sync_playwright

from workbench.browser import FLAGS, find_chromium
from workbench.server import running_server

RENDERERS = {"classic": False, "vue": True}
"""The canvas, and "Nodes 2.0"."""

PATIENCE = 60_000  # milliseconds: a busy machine takes long
expect.set_options(timeout=PATIENCE)

Result = TypeVar("Result")


class LoopThread:
    """An event loop in a thread of its own: Playwright's keeps the main thread's."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, task: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(task, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's folder for models, input, output and user data."""
    return tmp_path_factory.mktemp("comfyui")


@pytest.fixture(scope="session")
def address(base: Path) -> Iterator[str]:
    """Where the server answers; it runs until the last test has ended."""
    loop = LoopThread()
    context = running_server(base=base, previews=True)
    server = loop.run(context.__aenter__())
    try:
        yield server.address
    finally:
        loop.run(context.__aexit__(None, None, None))
        loop.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=list(FLAGS), headless=True
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session", params=RENDERERS)
def renderer(request: pytest.FixtureRequest) -> str:
    """Every test that uses the page and is not marked ``ONCE`` runs in each.

    First all in one, then all in the other.
    """
    return request.param


@pytest.fixture
def settings(renderer: str) -> dict[str, Any]:
    """The user's settings that the page starts with; a test may override the fixture."""
    return {
        "Comfy.TutorialCompleted": True,  # else a dialog of templates covers the page
        "Comfy.Workflow.ShowMissingModelsWarning": False,  # its dialog asks for files elsewhere
        "Comfy.Minimap.Visible": False,  # drawn again at every frame
        "Comfy.VueNodes.Enabled": RENDERERS[renderer],
        "Comfy.Locale": "en",
    }


class Tab:
    """A browser's tab that many tests use one after the other: to load the page takes seconds."""

    def __init__(self, address: str, base: Path, browser: Browser) -> None:
        self.spoilt = False
        self._address = address
        self._settings = base / "user" / "default" / "comfy.settings.json"
        self._context = browser.new_context(viewport=VIEWPORT)
        self._context.set_default_timeout(PATIENCE)
        self._context.add_init_script(NO_MOTION)
        self._comfy: ComfyPage | None = None

    def page(self, settings: dict[str, Any]) -> ComfyPage:
        """The page as it is when it has just been opened with these settings."""
        if self.spoilt:
            self.close()
        if self._comfy and self._holds(settings) and self._comfy.reset():
            return self._comfy
        self._settings.parent.mkdir(parents=True, exist_ok=True)
        self._settings.write_text(json.dumps(settings), encoding="utf-8")
        self._comfy = self._comfy or ComfyPage(self._context.new_page(), self._address)
        self._comfy.start()
        return self._comfy

    def close(self) -> None:
        """Close the page; the browser keeps the files that it has loaded."""
        if self._comfy:
            self._comfy.page.close()
        self._comfy = None
        self.spoilt = False

    def _holds(self, settings: dict[str, Any]) -> bool:
        """Whether the last page was opened with these settings, and none has been changed."""
        stored = json.loads(self._settings.read_text(encoding="utf-8"))
        return stored.items() >= settings.items()


@pytest.fixture(scope="session")
def tab(address: str, base: Path, browser: Browser) -> Iterator[Tab]:
    tab = Tab(address, base, browser)
    yield tab
    tab.close()


@pytest.fixture
def comfy(
    request: pytest.FixtureRequest, tab: Tab, settings: dict[str, Any]
) -> Iterator[ComfyPage]:
    """The page, open and ready, its graph empty.

    The test fails on an error in the console and on a request that leaves the machine.
    """
    failed = request.session.testsfailed
    comfy = tab.page(settings)
    comfy.clear()
    tab.spoilt = True
    yield comfy
    assert not comfy.errors, "\n".join(comfy.errors)
    assert not comfy.strays, "\n".join(comfy.strays)
    tab.spoilt = request.session.testsfailed > failed


@pytest.fixture(scope="session")
def others_tab(address: str, base: Path, browser: Browser) -> Tab:
    """In the browser of another person."""
    return Tab(address, base, browser)


@pytest.fixture
def other(others_tab: Tab, settings: dict[str, Any], comfy: ComfyPage) -> Iterator[ComfyPage]:
    """The page of another person on the same server, opened after the first."""
    other = others_tab.page(settings)
    other.clear()
    yield other
    others_tab.close()
    assert not other.errors, "\n".join(other.errors)
    assert not other.strays, "\n".join(other.strays)
