"""The page's command that empties the cache of profiles."""

from pathlib import Path

from comfy_page import ONCE, TOAST, ComfyPage
from playwright.sync_api import expect

COMMAND = "ForgetItAll.EmptyCache"


@ONCE  # there is no node
def test_the_command_asks_empties_the_cache_and_says_so(comfy: ComfyPage, base: Path) -> None:
    folder = base / "user" / "__forget_it_all" / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    profile = folder / "one.safetensors"
    profile.write_bytes(bytes(3_000))
    other = folder.parent / "notes.txt"
    other.write_text("mine")
    label = comfy.page.evaluate(
        "name => app.extensionManager.command.commands.find(({ id }) => id === name).label", COMMAND
    )
    assert label == "Forget It All: empty the cache of profiles"

    for answer in ("Cancel", "Delete"):
        assert profile.exists()
        ask_and_press(comfy, answer)
    comfy.find(TOAST, has_text="Profiles removed: 1 (3 kB)").wait_for()
    expect(comfy.find(TOAST)).to_have_count(1)
    assert list(folder.iterdir()) == []
    assert other.read_text() == "mine"


@ONCE
def test_a_refusal_is_told_in_the_servers_words(comfy: ComfyPage) -> None:
    words = "The server's disk: it is read-only"
    comfy.page.route(
        "**/forget_it_all/*", lambda route: route.fulfill(status=500, json={"error": words})
    )
    ask_and_press(comfy, "Delete")
    comfy.find(TOAST, has_text=words).wait_for()
    comfy.errors.clear()  # the browser itself reports the refusal


def ask_and_press(comfy: ComfyPage, answer: str) -> None:
    comfy.page.evaluate("name => void app.extensionManager.command.execute(name)", COMMAND)
    dialog = comfy.page.get_by_role("dialog")
    expect(dialog).to_contain_text("All concept profiles kept on disk will be deleted")
    dialog.get_by_role("button", name=answer).click()
    expect(dialog).to_have_count(0)
