"""Two people on one server: each sees their own pictures; a long queue, and a wait cancelled."""

from comfy_page import ONCE, RUN_TIMEOUT, WATCH_RUN, ComfyPage
from test_progress import LONG_RUN

from workbench.erasure import WORKFLOW

POLL = 100  # milliseconds
QUEUED = (
    """async () => (await (await fetch("/queue")).json()).queue_pending.map((item) => item[1])"""
)
RUNNING = """async () => (await (await fetch("/queue")).json()).queue_running.length === 1"""
IDLE = """async () => {
  const queue = await (await fetch("/queue")).json();
  return queue.queue_pending.length + queue.queue_running.length === 0;
}"""
CANCEL = """async (ids) => (await fetch("/queue", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ delete: ids }),
})).ok"""

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


def set_strength(comfy: ComfyPage, strength: float) -> None:
    apply = comfy.only("FIAApplyNeuronMask")
    comfy.set_widget(apply, "strength", strength)


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


def test_a_long_queue_of_both_and_most_of_it_cancelled(comfy: ComfyPage, other: ComfyPage) -> None:
    demo(comfy, "church")
    comfy.run()
    alone = shown(comfy, "After")
    set_strength(comfy, 0.0)
    comfy.run()
    assert shown(comfy, "After") != alone

    demo(other, "church")
    profile = other.only("FIAProfileConcept")
    for name, value in LONG_RUN.items():
        other.set_widget(profile, name, value)
    queue(other)  # runs until it is interrupted, and all others wait
    wait_until(other, RUNNING)
    for strength in (0.5, 1.5, 2.0, 1.0):
        for one in (other, comfy):
            set_strength(one, strength)
            queue(one)
    waiting: list[str] = comfy.page.evaluate(QUEUED)
    assert len(waiting) == 8
    assert other.page.evaluate(CANCEL, waiting[:-1])
    other.command("Comfy.Interrupt")
    wait_until(comfy, IDLE)
    history = comfy.page.evaluate("async () => (await fetch('/history')).json()")
    assert waiting[-1] in history
    assert not set(waiting[:-1]) & set(history)
    comfy.settle()
    assert shown(comfy, "After") == alone
