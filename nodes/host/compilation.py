"""Leave torch.compile out where a node needs the plain modules."""

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

COMPILE_KEY = "torch.compile"  # of the host's wrapper that swaps in the compiled denoiser


def without_compilation(model: ModelPatcher) -> ModelPatcher:
    """A clone that runs the plain modules: a compiled denoiser would not call their hooks."""
    plain = model.clone()
    plain.remove_wrappers_with_key(WrappersMP.APPLY_MODEL, COMPILE_KEY)
    compiled = plain.object_patches.get("diffusion_model")
    if compiled is not None:
        plain.add_object_patch("diffusion_model", getattr(compiled, "_orig_mod", compiled))
    return plain
