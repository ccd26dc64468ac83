"""Save Erasure LoRA: a mask as a file that other programs can load."""

from comfy.model_patcher import ModelPatcher
from comfy_api.latest import io
from server import PromptServer

from ..fia_core import NeuronMask
from .fields.shared import (
    CATEGORY,
    NeuronMaskWire,
    prefix_input,
    require_ranges,
    search_words,
    strength_input,
)
from .host.applying.erasure_lora import FOLDER, ErasureLora, lora_folder, megabytes
from .host.files.new_file import new_file


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
                f"Save the erasure as a LoRA into models/{FOLDER}, for programs that know no "
                "masks. The file is as large as the weights that it changes: about 100 MB for "
                "SD 1.5, 820 MB for SDXL."
            ),
            is_output_node=True,
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip=(
                        "The model that the LoRA will be loaded onto, without Apply Neuron Mask. "
                        "Its weights must not be quantised."
                    ),
                ),
                NeuronMaskWire.Input("mask", tooltip="The weights to prune."),
                strength_input(
                    tooltip=(
                        "What strength 1 of the LoRA will mean. Keep 1 and choose the strength "
                        "where the LoRA is loaded."
                    ),
                ),
                prefix_input("erasure"),
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
        cls, model: ModelPatcher, mask: NeuronMask, strength: float, filename_prefix: str
    ) -> io.NodeOutput:
        require_ranges(cls, strength=strength)
        lora = ErasureLora(model, mask, strength)
        with new_file(lora_folder(), filename_prefix) as (path, name):
            cls._say(f"{megabytes(lora.size)} are being written")
            lora.save(path)
        cls._say(f"{name}: {megabytes(lora.size)}")
        return io.NodeOutput(name, ui={"text": (name,)})

    @classmethod
    def _say(cls, text: str) -> None:
        if cls.hidden.unique_id is not None:
            PromptServer.instance.send_progress_text(text, cls.hidden.unique_id)
