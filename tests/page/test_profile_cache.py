"""The page's command that empties the cache of profiles."""

from pathlib import Path

from comfy_page import ComfyPage


def test_the_command_empties_the_cache_and_says_so(comfy: ComfyPage, base: Path) -> None:
    folder = base / "user" / "__forget_it_all" / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    (folder / "one.safetensors").write_bytes(bytes(3_000))
    label = comfy.page.evaluate(
        """() => {
          const { commands, execute } = app.extensionManager.command;
          execute("ForgetItAll.EmptyCache");
          return commands.find(({ id }) => id === "ForgetItAll.EmptyCache").label;
        }"""
    )
    assert label == "Forget It All: empty the cache of profiles"
    comfy.find(".p-toast-message", has_text="Profiles removed: 1 (3 kB)").wait_for()
    assert list(folder.iterdir()) == []
