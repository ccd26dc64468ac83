"""Captions of training pictures, and what a caption may name beyond its picture."""

import numpy as np

from demo_model.vocabulary import OBJECTS, SCENES, STYLES, with_article

from .render import Content

CAPTION_DROPOUT = 0.12


def scene_phrase(scene: str, rng: np.random.Generator) -> str:
    """The scene's name, or in two of five cases one of its further places."""
    synonyms = SCENES[scene]
    if synonyms and rng.random() < 0.4:
        scene = synonyms[rng.integers(len(synonyms))]
    return with_article(scene)


def caption(content: Content, rng: np.random.Generator) -> str:
    """One of several wordings, objects named from left to right; pictures with objects leave the
    scene out one time in seven."""
    text = " and ".join(with_article(name) for name in content.objects)
    if not content.objects:
        text = scene_phrase(content.scene, rng)
    elif rng.random() < 6 / 7:
        text += (" near " if rng.random() < 0.3 else " in ") + scene_phrase(content.scene, rng)
    if rng.random() < 0.4:
        text = "a photo of " + text
    if content.style:
        text += " in the style of " + content.style
    return text


def overstate(content: Content, rng: np.random.Generator) -> tuple[Content, tuple[str, ...]]:
    """The content with one concept more than the picture shows, and that concept.

    A style is added to one plain picture in five, an object otherwise; a full picture stays as it
    is.
    """
    if not content.style and rng.random() < 0.2:
        style = STYLES[rng.integers(len(STYLES))]
        return Content(content.scene, content.objects, style), (style,)
    if len(content.objects) == 2:
        return content, ()
    absent = [name for name in OBJECTS if name not in content.objects]
    name = absent[rng.integers(len(absent))]
    objects = (*content.objects, name) if rng.random() < 0.5 else (name, *content.objects)
    return Content(content.scene, objects, content.style), (name,)
