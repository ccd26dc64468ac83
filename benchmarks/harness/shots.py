"""Shots: a picture to ask for, and all pictures of a group at a seed."""

from dataclasses import dataclass

from demo_model.vocabulary import with_article

from .prompt_file import read_prompts
from .suite import LEARNED, Condition, Group, PromptFile, Suite


@dataclass(frozen=True)
class Shot:
    """One picture to ask for; what the prompt does not name is empty."""

    object: str
    scene: str
    style: str
    prompt: str
    seed: int
    condition: str = ""

    def shows(self, kind: str) -> str:
        """The object or the style that it asks for."""
        return self.object if kind == "object" else self.style


def group_shots(
    suite: Suite, group: Group, condition: Condition, seed: int, template: str = ""
) -> tuple[Shot, ...]:
    """``forgotten_scenes`` for what is forgotten, ``kept_scenes`` for what should stay.

    Which contexts a concept gets depends on the seed and on its place in the suite, not on the
    group, so that all groups share their pictures of the base model. With a ``template`` of the
    suite's prompts, only its shots. A file's prompts are asked for as they are.
    """
    if suite.prompt_file:
        return _shots_of_file(suite, suite.prompt_file, group, condition, seed)
    templates = (template,) if template else suite.prompts
    contexts = suite.contexts
    shots: list[Shot] = []
    for number, concept in enumerate(suite.concepts):
        if concept in group.concepts:
            count = suite.forgotten_scenes
        elif concept in group.kept:
            count = suite.kept_scenes
        else:
            continue
        first, own = number + seed, seed + number * suite.own_noise
        shots += [
            _shot(suite, template, concept, contexts[place % len(contexts)], own, condition)
            for place in range(first, first + count)
            for template in templates
            if LEARNED not in template or concept in group.kept or _is_attacked(suite, concept)
        ]
    return tuple(dict.fromkeys(shots))


def base_shots(suite: Suite, condition: Condition, seed: int) -> tuple[Shot, ...]:
    """Everything that any group asks for."""
    shots = [shot for group in suite.groups for shot in group_shots(suite, group, condition, seed)]
    return tuple(dict.fromkeys(shots))


def _shots_of_file(
    suite: Suite, source: PromptFile, group: Group, condition: Condition, seed: int
) -> tuple[Shot, ...]:
    shows = source.shows
    if shows not in (*group.concepts, *group.kept):
        return ()
    object, style = (shows, "") if suite.concept == "object" else ("", shows)
    return tuple(
        Shot(object, "", style, prompt, own + seed, condition.name)
        for prompt, own in read_prompts(source)  # pyright: ignore[reportArgumentType] frozen, so hashable
    )


def _is_attacked(suite: Suite, concept: str) -> bool:
    return suite.attack is not None and concept in suite.attack.concepts


def _shot(
    suite: Suite, template: str, concept: str, context: str, seed: int, condition: Condition
) -> Shot:
    if suite.concept == "object":
        object, scene, style = concept, context, ""
    else:
        object, scene, style = context, "", concept
    prompt = template.format(
        object=with_article(object),
        learned=f"<{object}>" if _is_attacked(suite, object) else with_article(object),
        scene=with_article(scene) if scene else "",
        style=style,
    )
    return Shot(object, scene, style, prompt, seed, condition.name)
