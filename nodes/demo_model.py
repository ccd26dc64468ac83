"""Demo Model: for graphs that need no checkpoint."""

from comfy_api.latest import io

from ..demo_model.loader import load_demo_model
from .fields.shared import CATEGORY, search_words


class DemoModel(io.ComfyNode):
    """Gives what a checkpoint loader gives."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIADemoModel",
            display_name="Demo Model",
            category=CATEGORY,
            **search_words("erase", "checkpoint", "try"),
            description=(
                "A small text-to-image model that comes with this extension: 128 by 128 pictures "
                "of simple objects in simple scenes. For trying things out without a checkpoint."
            ),
            inputs=[],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The denoiser."),
                io.Clip.Output(display_name="clip", tooltip="Its text encoder."),
                io.Vae.Output(display_name="vae", tooltip="Turns latents into pictures."),
            ],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        return io.NodeOutput(*load_demo_model())
