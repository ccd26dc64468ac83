"""The second linear layer (FFN2) of every feed-forward block: its weight's form and names."""

import torch
from comfy.model_patcher import ModelPatcher
from comfy.quant_ops import QuantizedTensor

from ....fia_core import LayerShapes
from .compiled import plain_module, require_plain_modules
from .families import ffn2_of, refusal, text_layers_of

_TRIED = (256, 256)
"""The smallest weight that every quantised form of the host can hold."""


def find_ffn2_layers(model: ModelPatcher) -> dict[str, torch.nn.Linear]:
    """FFN2 layers of ``model`` by the name that its weight has in the model's state dict.

    Raises:
        ValueError: as ``find_patchable_layers``, or if their weights are packed.
    """
    layers = find_patchable_layers(model)
    for name, layer in layers.items():
        if _is_packed(layer):
            raise ValueError(
                f"model: {name} holds its weights packed, as GGUF files do, and only the nodes "
                "that loaded it can read them. Masks can be put on a GGUF model with Apply Neuron "
                "Mask; make them on the fp8 or fp16 file of the same model and load them."
            )
    return layers


def find_patchable_layers(model: ModelPatcher) -> dict[str, torch.nn.Linear]:
    """FFN2 layers of ``model`` that take patches, by name.

    Packed ones are among them where the nodes that loaded the model unpack and patch them in every
    forward; their weights cannot be read.

    Raises:
        ValueError: if the denoiser has no feed-forward blocks, or none that can be profiled, or
            another node pack runs it by its own layers or has compiled it in its place, or their
            weights are packed in a form that takes no patches.
    """
    require_plain_modules(model)
    denoiser = plain_module(model.get_model_object("diffusion_model"))
    layers = {
        f"diffusion_model.{name}": layer for name, layer in ffn2_of(type(model.model), denoiser)
    }
    if not layers:
        raise ValueError(refusal(type(model.model), type(model.model.model_config).__name__))
    _require_patches(model, layers)
    return layers


def find_text_layers(model: ModelPatcher) -> dict[str, torch.nn.Linear]:
    """The layers of ``model`` that read the text of a prompt, by name.

    Packed ones are among them, as in ``find_patchable_layers``.

    Raises:
        ValueError: the model has none that are known, another node pack runs or has compiled it, or
            one is packed in a form that takes no patches.
    """
    require_plain_modules(model)
    denoiser = plain_module(model.get_model_object("diffusion_model"))
    kind = type(model.model)
    layers = {f"diffusion_model.{name}": layer for name, layer in text_layers_of(kind, denoiser)}
    if not layers:
        raise ValueError(refusal(kind, type(model.model.model_config).__name__))
    _require_patches(model, layers)
    for name, layer in layers.items():
        require_writable(name, layer.weight, model.load_device)
    return layers


def is_quantised(layer: torch.nn.Linear) -> bool:
    """Whether the host keeps the layer's weight in 8 bits or fewer, and rounds it again with every
    patch."""
    weight = layer.weight
    return not _is_packed(layer) and (
        isinstance(weight, QuantizedTensor) or (chosen_dtype(layer) or weight.dtype).itemsize == 1
    )


def require_writable(name: str, weight: torch.Tensor, device: torch.device) -> None:
    """Refuse a weight in a form that can only be read: the host would fail as sampling begins."""
    if not isinstance(weight, QuantizedTensor):
        return
    layout = getattr(weight, "_layout_cls", None) or weight._layout_type  # 0.3.75: the latter
    try:
        QuantizedTensor.from_float(torch.ones(_TRIED, device=device), layout)
    except NotImplementedError as error:
        raise ValueError(
            f"model: {name} is stored as {layout}, which can be read and not written, so nothing "
            "can change it. Load the model in another form: fp16, bf16, fp8, int8 or nvfp4."
        ) from error


def chosen_dtype(layer: torch.nn.Module) -> torch.dtype | None:
    """The precision that the host computes with, where a newer host holds the weight in that of the
    file; None for others."""
    if isinstance(layer.weight, QuantizedTensor):
        return None
    return getattr(layer, "weight_comfy_model_dtype", None)


def layer_shapes(layers: dict[str, torch.nn.Linear]) -> LayerShapes:
    """(C_out, C_in) of every layer."""
    return {name: (layer.out_features, layer.in_features) for name, layer in layers.items()}


def _is_packed(layer: torch.nn.Linear) -> bool:
    """Whether only the nodes that loaded a layer can read its weight."""
    # A packed weight's shape may be what it unpacks to; its size is what is there.
    size = (layer.out_features, layer.in_features)
    return tuple(layer.weight.size()) != size or not layer.weight.is_floating_point()


def _require_patches(model: ModelPatcher, layers: dict[str, torch.nn.Linear]) -> None:
    """Raise ValueError where a layer's weight is packed in a form that takes none."""
    for name, layer in layers.items():
        if _is_packed(layer) and not _is_patched_at_use(model, layer.weight):
            raise ValueError(
                f"model: {name} holds its weights packed, and only the nodes that loaded it can "
                "read them. Load a checkpoint that is not packed (safetensors, fp8 at the "
                "smallest) with the host's own loader."
            )


def _is_patched_at_use(model: ModelPatcher, packed: torch.Tensor) -> bool:
    """Whether a pack's layers unpack and patch their weights in every forward, as ComfyUI-GGUF's
    do: its patcher hangs the patches on the packed weight."""
    own_patching = type(model).patch_weight_to_device is not ModelPatcher.patch_weight_to_device
    return own_patching and hasattr(packed, "patches")
