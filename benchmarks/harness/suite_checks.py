"""What a suite's file cannot be refused for key by key: values that do not fit each other."""

from .attack import check_attack
from .suite import BASE, NOTHING, PLAIN, Suite, SuiteError

FIELDS = ("object", "misspelt", "learned", "scene", "style")
"""Of prompts."""


def check(suite: Suite) -> None:
    """Raise SuiteError where two of the suite's values do not fit each other."""
    labels = [entry.label for entry in suite.entries]
    for key, label in (("methods", BASE), ("reference", suite.reference)):
        if label not in labels:
            raise SuiteError(
                f"{key}: no method has the label {label!r}; there are {', '.join(labels)}"
            )
    families = {group.family for group in suite.groups}
    for entry in suite.entries:
        for family in entry.families:
            if family not in families:
                known = ", ".join(sorted(families))
                raise SuiteError(
                    f"methods: {entry.label!r}: no groups {family!r}; there are {known}"
                )
    for sweep in suite.sweeps:
        if sweep.default is not None and sweep.use not in labels:
            raise SuiteError(f"sweeps: the default needs a method with the label {sweep.use!r}")
    shown = (*suite.groups[0].concepts, *suite.groups[0].kept)
    if suite.grid and suite.grid not in shown:
        raise SuiteError(f"grid: {suite.grid!r} is none of the first group's {', '.join(shown)}")
    if suite.prompt_file is None:
        _check_prompts(suite)
    check_attack(suite)


def _check_prompts(suite: Suite) -> None:
    counts = {"forgotten_scenes": suite.forgotten_scenes, "kept_scenes": suite.kept_scenes}
    for key, count in counts.items():
        if not 1 <= count <= len(suite.contexts):
            raise SuiteError(f"{key}: {count} is not between 1 and {len(suite.contexts)}")
    fields = dict.fromkeys(FIELDS, "")
    for none in (PLAIN, NOTHING):
        if none in suite.concepts and not suite.plain_prompt:
            raise SuiteError(f"plain_prompt: is missing, and {none!r} is asked for; give one")
    for prompt in (*suite.prompts, suite.plain_prompt):
        try:
            prompt.format(**fields)
        except (KeyError, IndexError, ValueError):
            known = ", ".join(f"{{{field}}}" for field in FIELDS)
            raise SuiteError(f"prompts: {prompt!r} has a field other than {known}") from None
