"""The switch Live of Compare Erasure: the last value, once, alone, and no other run touched."""

import io
import time

import pytest
from comfy_page import ONCE, ComfyPage
from PIL import Image
from playwright.sync_api import expect
from test_two_clients import IDLE, RUNNING, queue, wait_until

from workbench.erasure import FIRST_STEPS, WORKFLOW

COMPARE, APPLY = "FIACompareErasure", "FIAApplyNeuronMask"
RUN_HISTORY = "async () => (await fetch('/history')).json()"
REST = 150  # milliseconds, as in web/live/live.js
LONG = {"steps": 400}

WATCH = """() => {
  const { api } = app;
  const watched = Boolean(window.live);  // by an earlier test in this tab
  window.live = { runs: [], executing: [], shown: [], posted: 0 };
  if (watched) return;
  api.addEventListener("execution_start", ({ detail }) => window.live.runs.push(detail.prompt_id));
  api.addEventListener("executing", ({ detail }) => window.live.executing.push(detail));
  api.addEventListener("executed", ({ detail }) => {
    window.live.shown.push([String(detail.node), performance.now()]);
  });
  const fetchApi = api.fetchApi.bind(api);
  api.fetchApi = (path, options) => {
    window.live.posted += path === "/prompt" ? 1 : 0;
    return fetchApi(path, options);
  };
}"""
SWITCH = """([id, on]) => {
  const node = app.graph.getNodeById(id);
  const widget = node.widgets.find((one) => one.name === "live");
  widget.value = on;
  widget.callback(on, app.canvas, node);
}"""
QUICKLY = """async ([id, values, rest]) => {
  const node = app.graph.getNodeById(id);
  const widget = node.widgets.find(({ name }) => name === "strength");
  let pauses = 0;
  for (const value of values) {
    const begun = performance.now();
    widget.value = value;
    await new Promise((resolve) => setTimeout(resolve, 30));
    pauses += performance.now() - begun >= rest ? 1 : 0;
  }
  return pauses;
}"""
SET_STRENGTH = """value => {
  const forget = app.graph.nodes.find(({ title }) => title === "Forget It All (Demo Model)");
  forget.widgets.find(({ name }) => name.endsWith("strength")).value = value;
}"""
LONG_PROFILE = """() => {
  const forget = app.graph.nodes.find(({ title }) => title === "Forget It All (Demo Model)");
  const profile = forget.subgraph.nodes.find(({ type }) => type === "FIAProfileConcept");
  for (const [name, value] of [["profile_steps", 20], ["use_cache", false]]) {
    profile.widgets.find((widget) => widget.name === name).value = value;
  }
  return `${forget.id}:${profile.id}`;
}"""
OPTION_L = """() => document.body.dispatchEvent(new KeyboardEvent("keydown",
  { key: "¬", code: "KeyL", altKey: true, bubbles: true, cancelable: true }))"""
"""Alt+L as a Mac with a US keyboard says it."""
TURNS = """async turns => {
  for (; turns > 0; turns -= 1) await new Promise((done) => setTimeout(done, 20));
}"""
LIVE_IS = """([id, on]) => app.graph.getNodeById(id)?.widgets
  .find(({ name }) => name === "live").value === on"""


@pytest.fixture
def ready(comfy: ComfyPage) -> ComfyPage:
    """The page with the chain in it, made short, run once and watched."""
    comfy.load_file(WORKFLOW)
    comfy.shorten()
    comfy.run()
    comfy.page.evaluate(WATCH)
    return comfy


def switch(comfy: ComfyPage, on: bool) -> None:
    comfy.page.evaluate(SWITCH, [comfy.only(COMPARE), on])


def expect_live(comfy: ComfyPage, on: bool) -> None:
    comfy.page.wait_for_function(LIVE_IS, arg=[comfy.only(COMPARE), on])


def rest(comfy: ComfyPage) -> None:
    """Longer than Live waits, by turns of the page, which may be held up; and until the server is
    idle."""
    comfy.page.evaluate(TURNS, 4 * REST // 20)
    wait_until(comfy, IDLE)
    comfy.settle()


def runs(comfy: ComfyPage) -> list[str]:
    return comfy.page.evaluate("window.live.runs")


def after(comfy: ComfyPage, images: str = "b_images") -> Image.Image:
    """What Compare Erasure shows as after; or before, as ``a_images``."""
    shown = comfy.output(comfy.only(COMPARE))[images][0]
    answer = comfy.page.request.get(f"{comfy.address}/view", params=shown)
    return Image.open(io.BytesIO(answer.body()))


def drawn_at(comfy: ComfyPage, strength: float) -> bytes:
    """What a press of Run draws at a strength."""
    comfy.set_widget(comfy.only(APPLY), "strength", strength)
    comfy.run()
    return after(comfy).tobytes()


@ONCE  # what the server runs
def test_ten_quick_changes_are_one_picture_the_right_one(ready: ComfyPage) -> None:
    wanted = drawn_at(ready, 0.4)
    assert wanted != drawn_at(ready, 1.0)
    switch(ready, True)
    rest(ready)
    before = len(runs(ready))
    values = [0.9, 0.8, 0.7, 0.6, 1.5, 1.2, 2.0, 1.9, 0.5, 0.4]
    pauses = ready.page.evaluate(QUICKLY, [ready.only(APPLY), values, REST])
    rest(ready)
    assert before < len(runs(ready)) <= before + 1 + pauses  # of a page that was held up
    assert after(ready).tobytes() == wanted


@ONCE  # what the server runs
def test_nothing_but_the_node_and_what_leads_to_it_runs(ready: ComfyPage) -> None:
    switch(ready, True)
    rest(ready)
    ready.page.evaluate("window.live.shown.length = 0")
    ready.set_widget(ready.only(APPLY), "strength", 0.7)
    rest(ready)
    shown = {node for node, _ in ready.page.evaluate("window.live.shown")}
    assert shown == {str(ready.only(COMPARE))}  # no Save Image has saved, no report was written
    posted = ready.page.evaluate("window.live.posted")
    (saved,) = (node for node in ready.node_ids("SaveImage") if node == ready.titled("After"))
    ready.set_widget(saved, "filename_prefix", "elsewhere")  # does not lead to it
    rest(ready)
    assert ready.page.evaluate("window.live.posted") == posted


@ONCE  # what the server runs
def test_a_loras_strength_is_followed(comfy: ComfyPage) -> None:
    comfy.load_file(WORKFLOW.with_name("forget_by_lora.json"))
    comfy.shorten()
    comfy.run()
    before, forgot = after(comfy, "a_images").tobytes(), after(comfy).tobytes()
    switch(comfy, True)
    rest(comfy)
    comfy.set_widget(comfy.only("LoraModelLoader"), "strength_model", 0.0)
    rest(comfy)
    assert after(comfy).tobytes() == before != forgot


@ONCE  # what the server says of two runs
def test_a_run_that_is_out_of_date_is_interrupted(ready: ComfyPage) -> None:
    sampler = ready.titled("Sample after forgetting")
    switch(ready, True)
    rest(ready)
    ready.set_widget(sampler, "steps", LONG["steps"])
    wait_until(ready, RUNNING)
    ready.page.wait_for_timeout(500)
    start = time.monotonic()
    ready.set_widget(sampler, "steps", 2)
    rest(ready)
    assert time.monotonic() - start < 15
    history = ready.page.evaluate("async () => (await fetch('/history')).json()")
    states = [history[run]["status"]["status_str"] for run in runs(ready)[-2:]]
    assert states == ["error", "success"]  # the host's word for an interrupted run


@ONCE
def test_a_profile_is_finished_though_its_run_is_out_of_date(comfy: ComfyPage) -> None:
    comfy.load_file(FIRST_STEPS)
    comfy.shorten()
    comfy.page.evaluate(WATCH)
    profile = comfy.page.evaluate(LONG_PROFILE)
    switch(comfy, True)
    comfy.page.wait_for_function("id => window.live.executing.includes(id)", arg=profile)
    for strength in (0.5, 0.4):
        comfy.page.evaluate(SET_STRENGTH, strength)
        comfy.page.wait_for_timeout(2 * REST)
    assert comfy.page.evaluate("window.live.executing.at(-1)") == profile, "it was too short"
    rest(comfy)
    assert comfy.page.evaluate("window.live.executing").count(profile) == 1
    history = comfy.page.evaluate(RUN_HISTORY)
    states = [history[run]["status"]["status_str"] for run in runs(comfy)]
    assert states == ["error", "success"]  # the first run ended after its profile


@ONCE  # what the server says
def test_a_bad_value_is_told_and_the_next_one_is_drawn(ready: ComfyPage) -> None:
    told = ready.find(".fia-compare-fault")
    switch(ready, True)
    rest(ready)
    sampler = ready.titled("Sample after forgetting")
    ready.set_widget(sampler, "scheduler", "none that is known")
    expect(told).to_contain_text("Sample after forgetting: Value not in list: scheduler")
    ready.set_widget(sampler, "scheduler", "normal")
    rest(ready)
    expect(told).to_be_hidden()

    profile = ready.only("FIAProfileConcept")
    faults = {"": "there are none", "zxqv": "the text encoder knows no word of 'zxqv'"}
    for concepts, fault in faults.items():  # only the node itself finds them
        ready.set_widget(profile, "concepts", concepts)
        expect(told).to_contain_text(f"Profile Concept: concepts: {fault}")
    expect_live(ready, True)
    expect(ready.find(".p-dialog")).to_have_count(0)  # the page's own would cover everything
    before = len(runs(ready))
    ready.set_widget(profile, "concepts", "church")
    rest(ready)
    assert len(runs(ready)) == before + 1
    expect(told).to_be_hidden()


def test_a_text_counts_when_it_is_written(ready: ComfyPage, renderer: str) -> None:
    profile = ready.only("FIAProfileConcept")
    ready.look_at(profile)
    switch(ready, True)
    rest(ready)
    before = len(runs(ready))
    node = f'[data-node-id="{profile}"] ' if renderer == "vue" else ""
    ready.find(f"{node}textarea:visible").first.click()
    assert ready.page.evaluate("document.activeElement.value") == ready.widget(profile, "concepts")
    ready.page.keyboard.press("ControlOrMeta+a")
    ready.page.keyboard.type("golf ball", delay=30)
    ready.page.wait_for_timeout(4 * REST)
    assert len(runs(ready)) == before  # no "go", no "golf"
    ready.page.keyboard.press("Enter")
    rest(ready)
    assert len(runs(ready)) == before + 1
    ready.page.keyboard.type("cat")
    ready.page.wait_for_timeout(4 * REST)
    assert len(runs(ready)) == before + 1
    ready.page.evaluate("document.activeElement.blur()")
    rest(ready)
    assert len(runs(ready)) == before + 2
    assert ready.widget(profile, "concepts") == "golf ball\ncat"


@ONCE  # of the graph alone
def test_it_is_turned_by_command_and_key_off_when_opened_and_back_after_an_undo(
    ready: ComfyPage,
) -> None:
    ready.command("ForgetItAll.Live")
    expect_live(ready, True)
    ready.command("ForgetItAll.Live")
    expect_live(ready, False)
    ready.page.keyboard.press("Alt+l")
    expect_live(ready, True)
    ready.page.evaluate(OPTION_L)
    expect_live(ready, False)

    ready.remember()
    switch(ready, True)
    rest(ready)
    saved = ready.page.evaluate("app.graph.serialize()")
    ready.set_widget(ready.only(APPLY), "strength", 0.3)
    ready.remember()
    ready.command("Comfy.Undo")
    assert ready.widget(ready.only(APPLY), "strength") == 1
    expect_live(ready, True)
    ready.load(saved)
    ready.page.wait_for_timeout(1000)
    expect_live(ready, False)
    posted = ready.page.evaluate("window.live.posted")
    ready.set_widget(ready.only(APPLY), "strength", 0.2)
    rest(ready)
    assert ready.page.evaluate("window.live.posted") == posted


@ONCE  # what the server says of their runs
def test_two_people_do_not_disturb_each_other(ready: ComfyPage, other: ComfyPage) -> None:
    other.load_file(WORKFLOW)
    other.shorten()
    switch(ready, True)
    rest(ready)
    other.set_widget(other.titled("Sample before"), "steps", 60)
    other.page.evaluate(WATCH)
    queue(other)
    wait_until(ready, RUNNING)
    for strength in (0.9, 0.5, 0.45):
        ready.set_widget(ready.only(APPLY), "strength", strength)
        ready.page.wait_for_timeout(2 * REST)
    (theirs,) = runs(other)
    assert theirs not in ready.page.evaluate(RUN_HISTORY), "there was a run to disturb"
    rest(ready)
    history = ready.page.evaluate(RUN_HISTORY)
    assert history[theirs]["status"]["status_str"] == "success"
    assert history[runs(ready)[-1]]["status"]["status_str"] == "success"
    assert after(ready).tobytes() == drawn_at(ready, 0.45)
