"""Clones of a model for work that must leave no trace in it, and that watches its modules."""

from collections.abc import Iterator
from contextlib import contextmanager

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from .compiled import remove_compiled, require_plain_modules

COMPILE_KEY = "torch.compile"  # of the host's wrapper that swaps in the compiled denoiser
COMPILE_OPTIONS = "torch_compile_kwargs"  # how it compiles
MULTIGPU_KEY = "multigpu"  # of the host's copies of the model on other cards
MULTIGPU_OPTIONS = "multigpu_options"  # how fast each card is


@contextmanager
def working_copy(model: ModelPatcher) -> Iterator[ModelPatcher]:
    """A clone of ``model``, which has its modules and weights and runs them in one place.

    Weights that the host streams are pinned in memory, by a list that all clones have, and a clone
    that goes unpins them all; the host pins them again only when it loads the model from nothing.
    So the clone forgets the list before it goes, and so do the clones of models that it holds.
    Clone no working copy: where both go at once, the host loses sight of the loaded model.
    """
    copy = model.clone()
    held = copy.get_nested_additional_models()
    try:
        run_in_one_place(copy)
        yield copy
    finally:
        for clone in (copy, *held):
            clone.pinned = set()


def run_in_one_place(clone: ModelPatcher) -> None:
    """Let ``clone`` run the modules of this model.

    A compiled denoiser would not call their hooks, nor would the copies on other cards.
    """
    clone.remove_wrappers_with_key(WrappersMP.APPLY_MODEL, COMPILE_KEY)
    require_plain_modules(clone)
    remove_compiled(clone)
    clone.remove_additional_models(MULTIGPU_KEY)
    for options in (COMPILE_OPTIONS, MULTIGPU_OPTIONS):
        clone.model_options.pop(options, None)
