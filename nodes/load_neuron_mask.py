"""Load Neuron Mask: read a mask from its file."""

from comfy_api.latest import io

from ..fia_core import NeuronMask
from .host.folders import FOLDER, list_mask_files, mask_fingerprint, mask_path
from .shared import CATEGORY, NeuronMaskWire


class LoadNeuronMask(io.ComfyNode):
    """Every field of the file is checked before it is used."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIALoadNeuronMask",
            display_name="Load Neuron Mask",
            category=CATEGORY,
            description=f"Read a mask from models/{FOLDER}; the model need not be profiled again.",
            inputs=[
                io.Combo.Input(
                    "mask_file",
                    options=list_mask_files(),
                    tooltip=f"A file in models/{FOLDER}. Press R to see new files.",
                )
            ],
            outputs=[NeuronMaskWire.Output(display_name="mask", tooltip="The mask of the file.")],
        )

    @classmethod
    def fingerprint_inputs(cls, mask_file: str) -> str:
        return mask_fingerprint(mask_file)

    @classmethod
    def execute(cls, mask_file: str) -> io.NodeOutput:
        return io.NodeOutput(NeuronMask.load(mask_path(mask_file)))
