"""Profiling as a person watches it: words and picture in the node, stopped at once, run again."""

import re

from comfy_page import RUN_TIMEOUT, WATCH_RUN, ComfyPage
from playwright.sync_api import expect

from workbench.erasure import WORKFLOW

LONG_RUN = {"contexts": "\n".join("abcdefghijklmnopqrst"), "profile_steps": 20, "use_cache": False}
"""Values of Profile Concept that take far longer than a person needs to press a button."""

WORDS = re.compile(r"step \d+ of 20 · (without a concept|church|golf ball)")
AT_ONCE = 15_000  # milliseconds, beside everything else that a busy machine does

END = """limit => Promise.race([
  window.runEnd.then(([event]) => event),
  new Promise((done) => setTimeout(done, limit, "no end in time")),
])"""

PREVIEWED = "id => Boolean(app.nodePreviewImages?.[id]?.length)"


def test_profiling_tells_how_far_it_is_and_can_be_interrupted(comfy: ComfyPage) -> None:
    comfy.load_file(WORKFLOW)
    comfy.shorten()
    profile = comfy.only("FIAProfileConcept")
    short = {name: comfy.widget(profile, name) for name in LONG_RUN}
    for name, value in LONG_RUN.items():
        comfy.set_widget(profile, name, value)
    comfy.look_at(profile)

    comfy.page.evaluate(WATCH_RUN, RUN_TIMEOUT)
    comfy.page.evaluate("app.queuePrompt(0, 1)")
    words = comfy.page.get_by_text(WORDS).first
    expect(words).to_be_visible()
    expect(words).to_contain_text(re.compile(r"about \d+ s left"))
    comfy.page.wait_for_function(PREVIEWED, arg=str(profile))

    comfy.command("Comfy.Interrupt")
    assert comfy.page.evaluate(END, AT_ONCE) == "execution_interrupted"

    for name, value in short.items():
        comfy.set_widget(profile, name, value)
    comfy.run()
    end = re.compile(r"2 (profiled in \d+ s|from the cache)|1 profiled in \d+ s, 1 from the cache")
    expect(comfy.page.get_by_text(end).first).to_be_visible()
    ours = comfy.page.locator(".fia-profile-progress")  # in Nodes 2.0
    if ours.count():
        expect(ours.first).to_have_attribute("title", end)

    concepts = comfy.widget(profile, "concepts")
    comfy.set_widget(profile, "concepts", f"{concepts}\n")  # the same, but the host runs it again
    comfy.load(comfy.page.evaluate("app.graph.serialize()"))  # the newer renderer sees all of it
    comfy.look_at(comfy.only("FIAProfileConcept"))
    comfy.run()
    expect(comfy.page.get_by_text("2 from the cache").first).to_be_visible()
    expect(comfy.page.get_by_text("2 from the cache")).to_have_count(1)
