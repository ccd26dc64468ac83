"""Ask the host what a device has room for, and what a denoiser call takes."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from comfy import model_management
from comfy.model_management import VRAMState
from comfy.model_patcher import ModelPatcher
from comfy.utils import get_attr

Result = TypeVar("Result")
GIB = 2**30
MARGIN = 1.5  # the host's own when it runs both halves of guidance in one forward

STREAMING = (VRAMState.NO_VRAM, VRAMState.LOW_VRAM, VRAMState.NORMAL_VRAM)
"""States in which the host moves weights through the device as room allows."""

SMALL_CHUNK = 4  # prompts; a call of that many is worth the transfer of streamed weights


class FittingCalls:
    """How many prompts a denoiser call has; half as many from each time that memory runs out.

    Args:
        chunk: prompts a call at first; 0 for ``SMALL_CHUNK``.

    Attributes:
        chunk: prompts a call now.
    """

    def __init__(self, chunk: int) -> None:
        self.chunk = chunk or SMALL_CHUNK

    def run(self, attempt: Callable[[int], Result]) -> Result:
        """The result of ``attempt``, which is given the prompts a call and begins again where the
        device's memory runs out.

        Raises:
            Exception: the host's, where memory runs out with one prompt a call.
        """
        while True:
            try:
                return attempt(self.chunk)
            except Exception as error:
                if self.chunk == 1 or not is_out_of_memory(error):
                    raise
            # not above, where the exception still holds the tensors
            self.chunk //= 2
            model_management.soft_empty_cache()
            logging.warning("Forget It All: out of memory, now %d prompts a call.", self.chunk)


def room(model: ModelPatcher, wanted: float) -> float:
    """Bytes of the model's device that are free, or that its own weights hold.

    Other models leave the device for ``wanted`` bytes, as the host lets them leave for any model.
    """
    own = [each for each in model_management.current_loaded_models if model.is_clone(each.model)]
    _free_memory(model, wanted, own)
    if _is_dynamic(model):  # its answer counts the weights that leave on demand
        return getattr(model, "get_free_memory")(model.load_device)  # noqa: B009  (newer hosts')
    return _free(model.load_device) + model.loaded_size()


def make_room(model: ModelPatcher, wanted: float) -> None:
    """Let weights leave the model's device, its own too, until ``wanted`` bytes are free."""
    _free_memory(model, wanted, [])


def total_memory(model: ModelPatcher) -> float:
    """Bytes of the model's device."""
    total: Any = model_management.get_total_memory(
        model.load_device
    )  # a number unless more is asked for
    return total


def free_ram() -> float:
    """Bytes of RAM that are free."""
    return _free(torch.device("cpu"))


def require_ram(needed: float, free: float) -> None:
    """Raise ValueError where more bytes of RAM are needed than are free."""
    if needed > free:
        raise ValueError(
            f"model: profiling this model takes {needed / GIB:.1f} GiB of memory (RAM), and "
            f"{free / GIB:.1f} GiB are free. Close other programs, or use a smaller model."
        )


def whole_weights(model: ModelPatcher) -> int:
    """Bytes that the weights take on the device where there is room for them all."""
    if model_management.vram_state == VRAMState.NO_VRAM and not _is_dynamic(model):
        return 0
    return model.model_size()


def arriving_weights(model: ModelPatcher, space: float) -> float:
    """Bytes of weights that leave RAM when the host loads the model; of those that it patches it
    keeps a copy there.

    Args:
        space: bytes of its device that weights may take.
    """
    if _is_dynamic(model) or model.load_device == model.offload_device:
        return 0  # the file's own pages, which count as free; or there for good
    backups = sum(get_attr(model.model, key).nbytes for key in model.patches)
    return max(0, min(whole_weights(model), space) - model.loaded_size() - backups)


def fixed_weights(model: ModelPatcher) -> int:
    """Bytes of weights that the host keeps on the device whatever else needs room there."""
    if _is_dynamic(model):
        return 0
    streams = model_management.lowvram_available and model_management.vram_state in STREAMING
    return 0 if streams and model.load_device != model.offload_device else model.model_size()


def call_memory(model: ModelPatcher, latent: torch.Size, prompts: int) -> float:
    """Bytes of a denoiser call for both halves of ``prompts`` prompts, with the host's margin.

    Args:
        latent: shape of one latent, (1, channels, height, width).
    """
    both_halves = _estimate(model, latent, 2 * prompts) * MARGIN
    return max(both_halves, least_call_memory(model, latent, prompts))


def least_call_memory(model: ModelPatcher, latent: torch.Size, prompts: int) -> float:
    """Bytes that the host keeps free of weights so that it can denoise ``prompts`` latents.

    It is enough for one half of guidance after the other.
    """
    needed = _estimate(model, latent, prompts) + model_management.extra_reserved_memory()
    return max(model_management.minimum_inference_memory(), needed)


def names_that_fit(sizes: Mapping[str, int], space: float) -> set[str]:
    """Names of what fits into ``space`` bytes together, in order; smaller ones may follow."""
    names = set()
    for name, size in sizes.items():
        if size <= space:
            names.add(name)
            space -= size
    return names


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, by the host's own judgement where it has one: it also knows errors
    that come late."""
    judge = getattr(model_management, "is_oom", None)
    return judge(error) if judge else isinstance(error, model_management.OOM_EXCEPTION)


def _estimate(model: ModelPatcher, latent: torch.Size, rows: int) -> float:
    """Bytes of a forward of ``rows`` latents, by the host's model; a patcher may have put a margin
    of its own on top."""
    return model.model.memory_required([rows, *latent[1:]])


def _free_memory(model: ModelPatcher, wanted: float, keep_loaded: list[Any]) -> None:
    """Free ``wanted`` bytes in the host's way: nothing leaves RAM, and weights that leave the
    device on demand stay."""
    if not model_management.is_device_cpu(model.load_device):
        options: dict[str, Any] = {"for_dynamic": True} if _is_dynamic(model) else {}
        model_management.free_memory(wanted, model.load_device, keep_loaded=keep_loaded, **options)


def _free(device: torch.device) -> float:
    free: Any = model_management.get_free_memory(device)  # a number unless more is asked for
    return free


def _is_dynamic(model: ModelPatcher) -> bool:
    """Whether the host takes this model's weights off the device by itself on demand."""
    ask = getattr(model, "is_dynamic", None)
    return ask is not None and ask()
