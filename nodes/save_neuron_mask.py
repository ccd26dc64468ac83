"""Save Neuron Mask: keep a mask as a file."""

from comfy_api.latest import io

from ..fia_core import NeuronMask
from .fields.shared import CATEGORY, NeuronMaskWire, prefix_input, search_words
from .host.files.mask_folder import FOLDER, mask_folder
from .host.files.new_file import new_file


class SaveNeuronMask(io.ComfyNode):
    """One safetensors file a mask; nothing is overwritten."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIASaveNeuronMask",
            display_name="Save Neuron Mask",
            category=CATEGORY,
            **search_words("erase", "export"),
            description=f"Save a mask into models/{FOLDER}, where Load Neuron Mask finds it.",
            is_output_node=True,
            inputs=[
                NeuronMaskWire.Input("mask", tooltip="The mask to keep."),
                prefix_input("mask"),
            ],
            outputs=[
                io.String.Output(
                    display_name="mask file",
                    tooltip="Name of the new file, as Load Neuron Mask lists it.",
                )
            ],
        )

    @classmethod
    def execute(cls, mask: NeuronMask, filename_prefix: str) -> io.NodeOutput:
        with new_file(mask_folder(), filename_prefix) as (path, name):
            mask.save(path)
        return io.NodeOutput(name, ui={"text": (name,)})
