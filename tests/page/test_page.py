"""The extension in the page: its scripts load."""

from comfy_page import ONCE, ComfyPage

from workbench.environment import ROOT

EXTENSIONS = "app.extensions.map(({ name }) => name).filter((name) => name.startsWith('ForgetIt'))"


@ONCE  # nothing is drawn
def test_every_script_registers_its_extension(comfy: ComfyPage) -> None:
    scripts = list((ROOT / "web").glob("*.js"))
    assert len(set(comfy.page.evaluate(EXTENSIONS))) == len(scripts) > 0
