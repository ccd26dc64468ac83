"""Save Erasure LoRA: a mask, or what Forget LoRA made, as a file that other programs can load."""

from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io
from server import PromptServer

from ..fia_core import NeuronMask
from .fields.shared import (
    CATEGORY,
    LoraWire,
    NeuronMaskWire,
    mask_or_lora,
    prefix_input,
    require_ranges,
    search_words,
    strength_input,
)
from .host.applying.erasure_lora import (
    FOLDER,
    ErasureLora,
    ForgetLoraFile,
    lora_folder,
    megabytes,
)
from .host.files.new_file import new_file
from .host.model.lora import Lora


class SaveErasureLora(io.ComfyNode):
    """One safetensors file; nothing is overwritten."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIASaveErasureLora",
            display_name="Save Erasure LoRA",
            category=CATEGORY,
            **search_words("erase", "export", "lora"),
            description=(
                f"Save a mask or the LoRA of Forget LoRA into models/{FOLDER}; the file says what "
                "it makes forget. That of a mask is for programs that know no masks, and as large "
                "as the weights that it changes: about 100 MB for SD 1.5, 820 MB for SDXL."
            ),
            is_output_node=True,
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip=(
                        "The model that the LoRA will be loaded onto, without Apply Neuron Mask. "
                        "For a mask its weights must not be quantised."
                    ),
                ),
                NeuronMaskWire.Input("mask", optional=True, tooltip="The weights to prune."),
                strength_input(
                    tooltip=(
                        "What strength 1 of the LoRA will mean. Keep 1 and choose the strength "
                        "where the LoRA is loaded."
                    ),
                ),
                prefix_input("erasure"),
                LoraWire.Input(
                    "lora", optional=True, tooltip="Of Forget LoRA, in place of a mask."
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="LoRA file", tooltip="Name of the new file, as Load LoRA lists it."
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        model: ModelPatcher,
        strength: float,
        filename_prefix: str,
        mask: NeuronMask | None = None,
        lora: Lora | None = None,
    ) -> io.NodeOutput:
        require_ranges(cls, strength=strength)
        erasure = mask_or_lora(mask, lora)
        if isinstance(erasure, NeuronMask):
            file = ErasureLora(model, erasure, strength)
        else:
            file = ForgetLoraFile(model, erasure, strength)
        with new_file(lora_folder(), filename_prefix) as (path, name):
            cls._say(f"{megabytes(file.size)} are being written")
            file.save(path)
        cls._say(f"{name}: {megabytes(file.size)}")
        return io.NodeOutput(name, ui={"text": (name,)})

    @classmethod
    def _say(cls, text: str) -> None:
        if cls.hidden.unique_id is not None:
            PromptServer.instance.send_progress_text(text, cls.hidden.unique_id)
