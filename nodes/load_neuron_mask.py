"""Load Neuron Mask: read a mask from its file, or from the workflow that it is embedded in."""

from comfy_api.latest import io

from ..fia_core import NeuronMask
from ..fia_core.mask_text import read_embedded_mask
from .fields.shared import CATEGORY, NeuronMaskWire, search_words
from .host.files.mask_folder import FOLDER, list_mask_files, mask_fingerprint, mask_path


class LoadNeuronMask(io.ComfyNode):
    """Every field of the file or the text is checked before it is used.

    The host tells ``validate_inputs`` and ``fingerprint_inputs`` None for what comes by a wire.
    """

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIALoadNeuronMask",
            display_name="Load Neuron Mask",
            category=CATEGORY,
            **search_words("erase", "open mask"),
            description=(
                f"Read a mask from models/{FOLDER}, or from this workflow if it is embedded here; "
                "the model need not be profiled again."
            ),
            inputs=[
                io.Combo.Input(
                    "mask_file",
                    options=list_mask_files(),
                    optional=True,
                    tooltip=(
                        f"A file in models/{FOLDER}. Press R to see new files, or upload one. "
                        "Not needed where a mask is embedded."
                    ),
                ),
                io.String.Input(
                    "embedded",
                    default="",
                    optional=True,
                    socketless=True,
                    tooltip=(
                        "A mask as text, inside this workflow and the pictures that it makes: who "
                        "opens them needs no file. Not empty, it is used instead of the file."
                    ),
                ),
            ],
            outputs=[NeuronMaskWire.Output(display_name="mask", tooltip="The mask.")],
        )

    @classmethod
    def validate_inputs(cls, mask_file: str | None = "", embedded: str | None = "") -> bool | str:
        """A file that is missing on this machine matters only where nothing is embedded."""
        if embedded == "" and mask_file is not None:
            try:
                mask_path(mask_file)
            except ValueError as error:
                return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, mask_file: str | None = "", embedded: str | None = "") -> str:
        """The file's; the host itself compares the inputs, and so the embedded text."""
        return mask_fingerprint(mask_file) if mask_file and not embedded else ""

    @classmethod
    def execute(cls, mask_file: str = "", embedded: str = "") -> io.NodeOutput:
        if embedded:
            return io.NodeOutput(read_embedded_mask(embedded))
        return io.NodeOutput(NeuronMask.load(mask_path(mask_file)))
