"""Leave torch.compile out where a node needs the plain modules."""

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

COMPILE_KEY = "torch.compile"  # of the host's wrapper that swaps in the compiled denoiser
COMPILE_OPTIONS = "torch_compile_kwargs"  # how it compiles


def leave_out_compilation(clone: ModelPatcher) -> None:
    """Let ``clone`` run the plain modules: a compiled denoiser would not call their hooks."""
    clone.remove_wrappers_with_key(WrappersMP.APPLY_MODEL, COMPILE_KEY)
    clone.model_options.pop(COMPILE_OPTIONS, None)
    compiled = clone.object_patches.get("diffusion_model")
    if compiled is not None:
        clone.add_object_patch("diffusion_model", getattr(compiled, "_orig_mod", compiled))
