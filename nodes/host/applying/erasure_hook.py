"""A mask, or a LoRA, as one of the host's hooks: it works where a conditioning carries it."""

from collections.abc import Callable
from typing import Any

from comfy.hooks import EnumWeightTarget, HookGroup, WeightHook
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP, add_wrapper_with_key
from comfy.quant_ops import QuantizedTensor

from ....fia_core import NeuronMask
from ..model.compiled import refuse_compiled
from ..model.identity import require_same_architecture
from ..model.layers import find_ffn2_layers
from ..model.lora import Lora, lora_parts
from .weight_patch import neuron_mask_patches

WRAPPER_KEY = "forget_it_all_hook"


class _CheckedHook(WeightHook):
    """Looks at the model before it patches it."""

    def add_hook_patches(
        self,
        model: ModelPatcher,
        model_options: dict[str, Any],
        target_dict: dict[str, Any],
        registered: HookGroup,
    ) -> bool:
        """Called by the host when sampling begins.

        Raises:
            ValueError: if the mask or the LoRA was made for another architecture than ``model``, or
                weights of ``model`` are quantised, or it is compiled.
        """
        if target_dict.get("target") != EnumWeightTarget.Clip:
            self._check(model, model_options)
            _require_full_precision(model)
            refuse_compiled(model)
        return super().add_hook_patches(model, model_options, target_dict, registered)

    def _check(self, model: ModelPatcher, model_options: dict[str, Any]) -> None:
        raise NotImplementedError


class LoraHook(_CheckedHook):
    """A LoRA of Forget LoRA, which the host adds while a conditioning that carries it is run.

    Args:
        lora: the host's LORA_MODEL.
        strength: as in Load LoRA Model; hook keyframes multiply it.
    """

    def __init__(self, lora: Lora | None = None, strength: float = 1.0) -> None:
        super().__init__(strength_model=strength, strength_clip=0.0)
        self.weights = lora or {}

    def _check(self, model: ModelPatcher, model_options: dict[str, Any]) -> None:
        lora_parts(model, self.weights)


class NeuronMaskHook(_CheckedHook):
    """Patches the denoiser with W · (1 − strength) while a conditioning that carries it is run.

    The host makes clones with no argument and fills them in.

    Args:
        mask: the weights to prune.
        strength: as in Apply Neuron Mask; hook keyframes multiply it.
    """

    def __init__(self, mask: NeuronMask | None = None, strength: float = 1.0) -> None:
        super().__init__(strength_model=strength, strength_clip=0.0)
        self.need_weight_init = False  # the patches are there, and in no file's form
        self.weights = neuron_mask_patches(mask) if mask else {}
        self.weights_clip = {}
        self.mask = mask

    def _check(self, model: ModelPatcher, model_options: dict[str, Any]) -> None:
        if self.mask:
            require_same_architecture(self.mask, model, find_ffn2_layers(model))
            add_wrapper_with_key(
                WrappersMP.PREPARE_SAMPLING, WRAPPER_KEY, self._load, model_options, True
            )

    def clone(self) -> "NeuronMaskHook":
        """A copy that the host counts as the same hook."""
        copy = super().clone()
        copy.mask = self.mask
        return copy

    def _load(
        self, executor: Callable[..., Any], model: ModelPatcher, *args: Any, **kwargs: Any
    ) -> Any:
        """Around the loading of ``model``.

        Raises:
            ValueError: a masked weight has a patch, and no room on the device. There the host puts
                the patch on top of what the hook makes of the weight, and fills the holes.
        """
        result = executor(model, *args, **kwargs)
        for name in self.weights:
            if name in model.patches and name not in model.backup:
                raise ValueError(
                    f"model: {name} has a LoRA or another patch and no room on the device, where "
                    "ComfyUI would add the patch after this hook's mask. Use Apply Neuron Mask in "
                    "place of Create Erasure Hook, or leave the LoRA out."
                )
        return result


def erasure_hooks(
    erasure: NeuronMask | Lora, strength: float, previous: HookGroup | None = None
) -> HookGroup:
    """The hook of a mask or a LoRA, added to those of ``previous``, which stay as they are."""
    hooks = HookGroup() if previous is None else previous.clone()
    is_mask = isinstance(erasure, NeuronMask)
    hooks.add(NeuronMaskHook(erasure, strength) if is_mask else LoraHook(erasure, strength))
    return hooks


def _require_full_precision(model: ModelPatcher) -> None:
    """Refuse weights anywhere in the model on which the host's hooks fail at the first step."""
    for name, weight in model.model.named_parameters():
        if isinstance(weight, QuantizedTensor):
            raise ValueError(
                f"model: {name} is quantised, and ComfyUI's hooks fail on a quantised model. Use "
                "Apply Neuron Mask or Load LoRA Model in place of Create Erasure Hook, or load a "
                "checkpoint in fp16, bf16 or fp32."
            )
