"""Forget LoRA: words in, a small LoRA out with which a model draws without them."""

from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy_api.latest import io

from ..fia_core.prompts import KINDS
from .fields.prompting import clip_input, concepts_input, lines, read_concepts, require_distinct
from .fields.shared import CATEGORY, LoraWire, require_ranges, search_words, with_advanced
from .host.forgetting.forget import Wish, forget_lora
from .host.model.compiled import require_patches_at_load
from .host.model.lora import with_lora


class ForgetLora(io.ComfyNode):
    """*a church in a forest* is read like *a forest*."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        schema = io.Schema(
            node_id="FIAForgetLora",
            display_name="Forget LoRA",
            category=CATEGORY,
            **search_words(
                *("erase", "unlearn", "remove", "forget", "replace", "censor", "nsfw", "concept"),
                *("negative", "LECO", "slider", "NAG"),
            ),
            description=(
                "Make a model forget: calculate a small LoRA with which it reads a church in a "
                "forest like a forest. Takes seconds, trains nothing, and works at any guidance. "
                "Ours, not the paper's method."
            ),
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="The model that is to forget. A LoRA loaded before is part of it.",
                ),
                clip_input(),
                concepts_input(),
                io.String.Input(
                    "instead",
                    default="",
                    tooltip=(
                        "What to draw in their place, such as dog for cat. Left empty, the scene "
                        "is drawn without them."
                    ),
                ),
                io.String.Input(
                    "keep",
                    multiline=True,
                    default="",
                    tooltip=(
                        "What must stay although it suffers, one concept a line, of the same kind. "
                        "Some dozens of common things always stay. May be empty."
                    ),
                ),
                io.Float.Input(
                    "amount",
                    display_name="how much",
                    default=1.0,
                    min=0.1,
                    max=10.0,
                    step=0.1,
                    round=0.01,
                    tooltip=(
                        "Raise it where the concept is still there, lower it where too much "
                        "suffers. For a slider use the strength of Load LoRA Model instead."
                    ),
                ),
                io.Combo.Input(
                    "kind",
                    options=list(KINDS),
                    default=KINDS[0],
                    tooltip="What sort of concepts these are; sets the prompts that are compared.",
                ),
                io.Int.Input(
                    "rank",
                    default=0,
                    min=0,
                    max=128,
                    tooltip="Of the LoRA; 0: as many as it takes, at least one for each concept.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model that forgot."),
                LoraWire.Output(
                    display_name="LoRA",
                    tooltip=(
                        "For Load LoRA Model, whose strength is a slider: 1 draws none of the "
                        "concept, below 1 less of it or none, depending on the model, -1 more. "
                        "Save Erasure LoRA keeps it: from 110 KB for SD 1.5, 1 MB for SDXL, less "
                        "for others."
                    ),
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )
        return with_advanced(schema, "kind", "rank")

    @classmethod
    def execute(
        cls,
        model: ModelPatcher,
        clip: CLIP | None,
        concepts: str,
        instead: str,
        keep: str,
        amount: float,
        kind: str,
        rank: int,
    ) -> io.NodeOutput:
        require_ranges(cls, amount=amount, rank=rank)
        wish = Wish(read_concepts(concepts), kind, instead.strip(), lines(keep), amount, rank)
        require_distinct("concepts and keep", (*wish.concepts, *wish.kept))
        if wish.instead:
            require_distinct("concepts and instead", (*wish.concepts, wish.instead))
        lora = forget_lora(model, clip, wish, cls.hidden.unique_id)
        changed = with_lora(model, lora, 1.0)
        require_patches_at_load(changed)
        return io.NodeOutput(changed, lora)
