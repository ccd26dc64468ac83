"""Clones of a model for work that must leave no trace in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from comfy.model_patcher import ModelPatcher


@contextmanager
def working_copy(model: ModelPatcher) -> Iterator[ModelPatcher]:
    """A clone of ``model``, which shares its modules and weights.

    Weights that the host streams are pinned in memory, by a list that all clones share, and a clone
    that goes unpins them all; the host pins them again only when it loads the model from nothing.
    So the clone forgets the list before it goes, and so do the clones of models that it holds.
    Clone no working copy: where both go at once, the host loses sight of the loaded model.
    """
    copy = model.clone()
    held = copy.get_nested_additional_models()
    try:
        yield copy
    finally:
        for clone in (copy, *held):
            clone.pinned = set()
