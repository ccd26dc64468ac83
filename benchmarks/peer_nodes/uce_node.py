"""UCE as a node: prompts to tokens, the edit matrix to patches."""

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from comfy_api.latest import io

from ...nodes.host.profiling.conditioning import encode_prompts
from .denoiser_weights import text_projections, weights_in_effect, with_differences
from .shared import (
    CATEGORY,
    changed_model_output,
    clip_input,
    concepts_input,
    fill,
    lines,
    model_input,
    require_clip,
    required_lines,
    required_templates,
    templates_input,
)
from .uce import aligned_tokens, edit_matrix

TEMPLATES = "{concept}"
ALL_FROM_LAST, ONLY_LAST = "from the last word's on", "the last word's"
"""Which tokens of a text are mapped: as in the authors' first script, as in their present one."""


class UCENode(io.ComfyNode):
    """Unified Concept Editing: cross-attention reads a concept as if it were the anchor.

    Decided where the paper is silent, after the authors' code. Their first script maps the tokens
    from the last word's on and keeps all tokens of the preserved prompts and of the empty prompt;
    their present one maps and keeps the last word's token alone, and the empty prompt's only where
    it is asked to: here always. An anchor that is empty is the empty prompt in every template.
    """

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FIABenchUCE",
            display_name="UCE (benchmark)",
            category=CATEGORY,
            description=(
                "Unified Concept Editing, arXiv 2308.14761: a closed-form edit of the key and "
                "value projections of cross-attention. Written for comparison."
            ),
            inputs=[
                model_input(),
                clip_input(),
                concepts_input(),
                io.String.Input(
                    "anchor",
                    default="",
                    tooltip="What the model sees instead; empty is the empty prompt.",
                ),
                io.String.Input(
                    "preserve",
                    multiline=True,
                    default="",
                    tooltip="Concepts that must stay, one a line. The empty prompt always does.",
                ),
                templates_input(TEMPLATES),
                io.Combo.Input(
                    "tokens",
                    options=[ALL_FROM_LAST, ONLY_LAST],
                    default=ALL_FROM_LAST,
                    tooltip="Which tokens of the concepts' texts are mapped.",
                ),
                io.Float.Input(
                    "erase_scale",
                    default=1.0,
                    min=0.0,
                    max=1000.0,
                    step=0.1,
                    round=0.0001,
                    tooltip="Weight of what is erased; 0 changes nothing.",
                ),
                io.Float.Input(
                    "preserve_scale",
                    default=0.1,
                    min=0.0,
                    max=1000.0,
                    step=0.1,
                    round=0.0001,
                    tooltip="Weight of what is preserved.",
                ),
                io.Float.Input(
                    "ridge",
                    default=0.5,
                    min=0.0001,
                    max=1000.0,
                    step=0.1,
                    round=0.0001,
                    tooltip="λ: how strongly everything else is held in place.",
                ),
            ],
            outputs=[changed_model_output()],
        )

    @classmethod
    def execute(
        cls,
        model: ModelPatcher,
        clip: CLIP,
        concepts: str,
        anchor: str,
        preserve: str,
        templates: str,
        tokens: str,
        erase_scale: float,
        preserve_scale: float,
        ridge: float,
    ) -> io.NodeOutput:
        require_clip(clip)
        names, kept = required_lines("concepts", concepts), lines(preserve)
        forms = required_templates(templates)
        erased = [fill(form, name) for form in forms for name in names]
        anchors = [fill(form, anchor) if anchor else "" for form in forms for _ in names]
        preserved = ["", *(fill(form, name) for form in forms for name in kept)]

        only_last = tokens == ONLY_LAST
        matrix = edit_matrix(
            *_token_pairs(clip, erased, anchors, only_last),
            _kept_tokens(clip, preserved, only_last),
            erase_scale,
            preserve_scale,
            ridge,
        )
        weights = weights_in_effect(model, text_projections(model))
        _require_width(weights, len(matrix))
        return io.NodeOutput(
            with_differences(
                model,
                {
                    name: (weight.double() @ matrix.to(weight.device)).float()
                    for name, weight in weights.items()
                },
            )
        )


def _token_pairs(
    clip: CLIP, concepts: list[str], anchors: list[str], only_last: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens of the concepts' prompts and of their anchors, each (pairs, width)."""
    pairs = [
        aligned_tokens(
            concept["cond"][0], _last_word(clip, text), target["cond"][0], _last_word(clip, goal)
        )
        for text, goal, concept, target in zip(
            concepts,
            anchors,
            encode_prompts(clip, concepts),
            encode_prompts(clip, anchors),
            strict=True,
        )
    ]
    count = 1 if only_last else None
    erased, wanted = zip(*((one[:count], other[:count]) for one, other in pairs), strict=True)
    return torch.cat(erased), torch.cat(wanted)


def _kept_tokens(clip: CLIP, prompts: list[str], only_last: bool) -> torch.Tensor:
    """All tokens of the prompts, or each one's last word's: (tokens, width)."""
    encoded = [prompt["cond"][0] for prompt in encode_prompts(clip, prompts)]
    if not only_last:
        return torch.cat(encoded)
    places = [_last_word(clip, prompt) for prompt in prompts]
    return torch.stack([text[place] for text, place in zip(encoded, places, strict=True)])


def _last_word(clip: CLIP, prompt: str) -> int:
    """Position of the last token before the end token; 0, the start token, in an empty prompt.

    Raises:
        ValueError: the prompt fills more than one chunk of the text encoder.
    """
    (encoder, chunks), *_ = clip.tokenize(prompt).items()
    if len(chunks) > 1:
        raise ValueError(f"concepts: the text encoder cannot hold {prompt!r} at once. Shorten it.")
    end = clip.tokenize("")[encoder][0][1][0]
    tokens = [token for token, *_ in chunks[0]]
    return tokens.index(end, 1) - 1


def _require_width(weights: dict[str, torch.Tensor], width: int) -> None:
    for name, weight in weights.items():
        if weight.shape[1] != width:
            raise ValueError(
                f"clip: its tokens are {width} wide, but {name} of the model reads "
                f"{weight.shape[1]}. Connect the text encoder that belongs to the model."
            )
