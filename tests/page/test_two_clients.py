"""Two people on one server: each sees their own pictures."""

from comfy_page import ONCE, RUN_TIMEOUT, WATCH_RUN, ComfyPage

from workbench.erasure import WORKFLOW

POLL = 100  # milliseconds
RUNNING = """async () => (await (await fetch("/queue")).json()).queue_running.length === 1"""
IDLE = """async () => {
  const queue = await (await fetch("/queue")).json();
  return queue.queue_pending.length + queue.queue_running.length === 0;
}"""

pytestmark = ONCE
"""How nodes are drawn does not change whom the server draws for."""


def demo(comfy: ComfyPage, concepts: str) -> None:
    """The first workflow, made short, for some concepts."""
    comfy.load_file(WORKFLOW)
    comfy.shorten()
    profile = comfy.only("FIAProfileConcept")
    comfy.set_widget(profile, "concepts", concepts)


def queue(comfy: ComfyPage) -> None:
    comfy.page.evaluate("app.queuePrompt(0, 1)")


def wait_until(comfy: ComfyPage, condition: str) -> None:
    """Ask the server again and again; a promise is no answer, so not by the page's own waiting."""
    for _ in range(RUN_TIMEOUT // POLL):
        if comfy.page.evaluate(condition):
            return
        comfy.page.wait_for_timeout(POLL)
    raise AssertionError(f"never came true: {condition}")


def shown(comfy: ComfyPage, title: str) -> bytes:
    return comfy.picture(comfy.titled(title)).tobytes()


def run_both(comfy: ComfyPage, other: ComfyPage) -> None:
    """Queue in both at once and wait for both ends."""
    for one in (comfy, other):
        one.page.evaluate(WATCH_RUN, RUN_TIMEOUT)
    for one in (comfy, other):
        queue(one)
    for one in (comfy, other):
        event, detail = one.page.evaluate("window.runEnd")
        assert event == "execution_success", detail


def test_two_people_at_once_see_their_own_pictures(comfy: ComfyPage, other: ComfyPage) -> None:
    demo(comfy, "church")
    demo(other, "cat")
    run_both(comfy, other)
    first, second = shown(comfy, "After"), shown(other, "After")
    assert first != second
    assert shown(comfy, "Before") == shown(other, "Before")
    for one, concept in ((comfy, "church"), (other, "cat")):
        report = "".join(one.output(one.titled("What was pruned"))["text"])
        assert concept in report

    demo(comfy, "cat")
    comfy.run()
    assert shown(comfy, "After") == second  # as the other one drew it
