"""Fingerprints of content, for the profile cache: equal content, equal text.

Only what can be told by content is fingerprinted. A model with wrappers, hooks or patched modules
runs code that has no content to compare, so it has no fingerprint. What the host's ModelSampling
nodes put in is the host's own code with some numbers, which are compared.
"""

import hashlib
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import folder_paths
import torch
from comfy.model_patcher import ModelPatcher
from comfy.weight_adapter import WeightAdapterBase

from ..model.compiled import require_patched_weights
from ..model.stored_weights import stored_weights

SAMPLES = 4096  # entries of a model's weight that are looked at; two checkpoints differ in most
WHOLE_BYTES = 64 * 2**20  # a patch's tensor up to this size is read whole
SAMPLING = "model_sampling"  # the object that ModelSampling nodes replace
HOST_PACKAGES = ("comfy", "torch", "builtins")
HOST_NODES = Path(folder_paths.__file__).with_name("comfy_extras")
"""The host's own nodes, which it loads file by file, so that their modules have no package."""

PLACES_OF_CODE = (
    "model_options",
    "weight_wrapper_patches",
    "wrappers",
    "callbacks",
    "injections",
    "hook_patches",
    "additional_models",
)
"""Where other nodes put functions and modules into a patcher, of a model or of a text encoder."""


class NoFingerprintError(Exception):
    """Something whose content cannot be told; the message names it."""


class Fingerprint:
    """A SHA-256 that takes tensors and plain values, nested as they come."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, value: Any) -> None:
        """Take in a tensor, text, number, None, a list, tuple, set or mapping of such, or one of
        the host's weight adapters.

        Raises:
            NoFingerprintError: for anything else.
        """
        if isinstance(value, torch.Tensor):
            self._add_tensor(value, WHOLE_BYTES)
        elif isinstance(value, Mapping):
            self._add_all("mapping", sorted(value.items()))
        elif isinstance(value, set | frozenset):
            self._add_all("set", sorted(value))
        elif isinstance(value, list | tuple):
            self._add_all("list", value)
        elif isinstance(value, WeightAdapterBase):
            self._add_all(type(value).__qualname__, (value.loaded_keys, value.weights))
        elif value is None or isinstance(value, str | int | float | bytes):
            self._add_text(repr(value))
        else:
            raise NoFingerprintError(type(value).__qualname__)

    def sample(self, weight: torch.Tensor) -> None:
        """Take in entries spread evenly over a large weight, in all of its columns; of a quantised
        one, over each of its parts."""
        self._add_tensor(weight, 0)

    def text(self) -> str:
        """The digest so far, 64 hexadecimal digits."""
        return self._digest.hexdigest()

    def _add_all(self, kind: str, values: Iterable[Any]) -> None:
        self._add_text(f"{kind}(")
        for value in values:
            self.add(value)
        self._add_text(")")

    def _add_text(self, text: str) -> None:
        self._digest.update(text.encode() + b"\0")

    def _add_tensor(self, tensor: torch.Tensor, whole_bytes: int) -> None:
        if type(tensor) not in (torch.Tensor, torch.nn.Parameter):
            self._add_parts(tensor, whole_bytes)
            return
        self._add_text(f"{tensor.dtype} {tuple(tensor.shape)}")
        flat = tensor.detach().reshape(-1)
        if flat.nbytes > whole_bytes:
            flat = flat[:: _stride(len(flat), tensor.shape[-1:].numel())]
        self._digest.update(flat.contiguous().view(torch.uint8).cpu().numpy().tobytes())

    def _add_parts(self, tensor: torch.Tensor, whole_bytes: int) -> None:
        """A tensor that says what it is made of, as the host's quantised ones do."""
        if not hasattr(tensor, "__tensor_flatten__"):
            raise NoFingerprintError(type(tensor).__qualname__)
        names, layout = tensor.__tensor_flatten__()  # pyright: ignore[reportAttributeAccessIssue]
        self._add_layout(layout)
        for name in names:
            self._add_text(name)
            self._add_tensor(getattr(tensor, name), whole_bytes)

    def _add_layout(self, layout: Mapping[str, Any]) -> None:
        """How a tensor's parts make it up, apart from the precision that was asked for last."""
        for name, value in sorted(layout.items()):
            if isinstance(value, Mapping):
                self._add_layout(value)
            elif name != "orig_dtype":
                self._add_text(f"{name} {value}")


def _stride(entries: int, columns: int) -> int:
    """The distance between sampled entries, about ``SAMPLES`` of ``entries`` in all. It has no
    factor in common with the number of columns, so that all columns come up."""
    stride = max(1, entries // SAMPLES)
    while math.gcd(stride, columns) > 1:
        stride += 1
    return stride


def add_model(fingerprint: Fingerprint, model: ModelPatcher) -> None:
    """Take in the denoiser's weights, with every patch of the patcher, and how they are computed.

    Raises:
        NoFingerprintError: the model runs code of other nodes.
    """
    refuse_code(model)
    refuse_code_in(model.model.modules())
    replaced = dict(model.object_patches)
    sampling = replaced.pop(SAMPLING, None)
    if not _is_empty(replaced):
        raise NoFingerprintError("object_patches")
    fingerprint.add((type(model.model).__qualname__, model.model.model_type.name))
    fingerprint.add(type(model.model.latent_format).__qualname__)
    fingerprint.add((str(model.model_dtype()), str(model.model.manual_cast_dtype)))
    fingerprint.add(model.load_device.type)
    if sampling is not None:
        _add_sampling(fingerprint, sampling)
    add_weights(fingerprint, model, "diffusion_model.")


def add_weights(fingerprint: Fingerprint, model: ModelPatcher, prefix: str = "") -> None:
    """Take in the weights whose names begin with ``prefix``, sampled, and all that patches them.

    Raises:
        NoFingerprintError: a weight or a patch is of a kind whose content cannot be told.
    """
    for key, weight in stored_weights(model, prefix):
        fingerprint.add(key)
        fingerprint.sample(weight)
        fingerprint.add(model.patches.get(key, []))


def _add_sampling(fingerprint: Fingerprint, sampling: Any) -> None:
    """Take in the host's classes that a ModelSampling node has joined, and what the object holds.

    The class that joins them may be any pack's, but must add nothing.

    Raises:
        NoFingerprintError: code that is not the host's.
    """
    for kind in type(sampling).__mro__:
        if _is_the_hosts(kind):
            fingerprint.add((Path(kind.__module__).name, kind.__qualname__))
        elif vars(kind).keys() - vars(_Empty).keys():
            raise NoFingerprintError(kind.__qualname__)
    fingerprint.add(vars(sampling))


def _is_the_hosts(kind: type) -> bool:
    if kind.__module__.split(".")[0] in HOST_PACKAGES:
        return True
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is not None and Path(file).parent == HOST_NODES


class _Empty:
    """A class that adds nothing."""


def refuse_code(patcher: ModelPatcher) -> None:
    """Refuse a patcher, of a model or a text encoder, with anything in ``PLACES_OF_CODE``.

    Raises:
        NoFingerprintError: there is; the message names the place.
    """
    for place in PLACES_OF_CODE:
        if not _is_empty(getattr(patcher, place)):
            raise NoFingerprintError(place)


def refuse_code_in(holders: Iterable[Any]) -> None:
    """Refuse modules, and other objects, with forward hooks or with a method that something has
    replaced.

    Raises:
        NoFingerprintError: one has; the message names the method.
    """
    for holder in holders:
        own: dict[str, Any] = vars(holder)
        if own.get("_forward_hooks") or own.get("_forward_pre_hooks"):
            raise NoFingerprintError("forward hooks")
        for name, value in own.items():
            method = getattr(type(holder), name, None)
            is_own = getattr(value, "__func__", value) is method
            if callable(value) and method is not None and not is_own:
                raise NoFingerprintError(name)


def _is_empty(value: Any) -> bool:
    """Whether nested mappings and lists hold nothing but each other, and our own guard."""
    if isinstance(value, Mapping):
        return all(map(_is_empty, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_empty, value))
    return value is require_patched_weights
