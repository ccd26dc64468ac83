"""NegPiP: the names end every prompt with a negative weight, which turns their values round.

A token of weight w has the state z′ = z∅ + |w| (z − z∅), z∅ the empty prompt's at its place. Keys
come from z′, values from sign(w) z′: the picture looks for the name and gets its opposite.

Facts from the port pamparamm/ComfyUI-ppm (at 200f461, AGPL-3.0: unet_negpip.py, clip_negpip.py,
flux_negpip.py): a context holds each token twice, as it goes to the keys and as it goes to the
values, in turn; "(church:-1)" is written at a prompt's end, weights of −1.1 and −1.3 are shown. In
Flux's joint attention the values of such tokens change their sign in every block ("probably
broken", says the port); so they do in AuraFlow's here.

From hako-mikan/sd-webui-negpip (at dc75fd2, scripts/negpip.py), whom the port follows: there the
prompt is encoded without the names, each name alone, and the states of its words and of the end
mark after them follow the prompt's. In the port the prompt's own end mark and padding have read
the names, too, and keep their sign.

Ours: the empty prompt, which stands for the negative one, gets no ending.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import torch
from comfy.ldm.aura.mmdit import MMDiT
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from comfy.sd import CLIP
from comfy.sd1_clip import SDClipModel, gen_empty_tokens
from pydantic import Field
from torch import Tensor

from .erased import Erased
from .text_readers import key_and_value_readers
from .text_states import text_states

WRAPPER_KEY = "forget_it_all_negpip"


def negpip(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    weight: Annotated[float, Field(lt=0)] = -1.0,
    joint: str = ", ",
    alone: bool = False,
) -> Erased:
    """NegPiP. It needs no kept names.

    Args:
        weight: w of every name.
        joint: before each name.
        alone: names are encoded alone, as hako-mikan does it; there is nothing to join then.

    Raises:
        ValueError: the denoiser is neither a UNet with cross-attention nor AuraFlow.
    """
    turned, reading = model.clone(), clip.clone()
    denoiser = model.get_model_object("diffusion_model")
    if isinstance(denoiser, MMDiT):
        flip = JointFlip(denoiser.register_tokens.shape[1])
        turned.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, WRAPPER_KEY, flip)
    else:
        key_and_value_readers(model, "NegPiP")  # refuses what has none
        turned.set_model_attn2_patch(keys_and_values_apart)
    if alone:
        followed = FollowedByNames(clip, concepts, weight)
        reading.patcher.add_object_patch("encode_token_weights", followed)
        return Erased(turned, reading)
    for name, module in reading.cond_stage_model.named_children():
        if isinstance(module, SDClipModel):
            encode = partial(encode_in_turn, module)
            reading.patcher.add_object_patch(f"{name}.encode_token_weights", encode)
    ending = "".join(f"{joint}({name}:{weight})" for name in concepts)
    reading.tokenizer = Ending(reading.tokenizer, ending)
    return Erased(turned, reading)


class Ending:
    """A tokenizer of the host that writes an ending behind every text that is not empty."""

    def __init__(self, tokenizer: Any, ending: str) -> None:
        self._tokenizer, self._ending = tokenizer, ending

    def tokenize_with_weights(self, text: str, *args: Any, **options: Any) -> Any:
        text = text + self._ending if text else text
        return self._tokenizer.tokenize_with_weights(text, *args, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tokenizer, name)


class FollowedByNames:
    """In place of the ``encode_token_weights`` of a whole text encoder: every text that is not
    empty is followed by the names, keys and values in turn."""

    def __init__(self, clip: CLIP, concepts: Sequence[str], weight: float) -> None:
        empty, *names = text_states(clip, ["", *concepts])
        rows = [
            in_turn(
                name.rows[None, name.start : name.last + 2],
                empty.rows[None, name.start : name.last + 2],
                torch.full((1, name.last + 2 - name.start), weight),
            )
            for name in names
        ]
        self._names = torch.cat(rows, 1)
        self._model = clip.cond_stage_model
        self._marks = set(tokens_of(clip.tokenize("")))

    def __call__(self, tokens: Any) -> tuple[Any, ...]:
        states, *further = type(self._model).encode_token_weights(self._model, tokens)
        context = states.repeat_interleave(2, 1)
        if any(torch.is_tensor(token) or token not in self._marks for token in tokens_of(tokens)):
            context = torch.cat([context, self._names.to(context)], 1)
        return context, *further


def tokens_of(tokenized: dict[str, list[list[tuple[Any, ...]]]]) -> list[Any]:
    """All tokens, or learned vectors, of all encoders and chunks."""
    return [token for chunks in tokenized.values() for chunk in chunks for token, *_ in chunk]


def encode_in_turn(encoder: SDClipModel, chunks: list[list[tuple[Any, ...]]]) -> tuple[Any, ...]:
    """In place of the host's ``encode_token_weights``: a context (1, 2 · tokens, width), keys and
    values in turn, and the pooled text."""
    longest = max(map(len, chunks))
    texts = [[token for token, *_ in chunk] for chunk in chunks]
    states, pooled, *_ = encoder.encode([*texts, gen_empty_tokens(encoder.special_tokens, longest)])
    weights = torch.tensor([[weight for _, weight, *_ in chunk] for chunk in chunks])
    contexts = in_turn(states[:-1], states[-1:], weights.to(states)).flatten(0, 1)[None]
    return contexts, None if pooled is None else pooled[:1]


def in_turn(states: Tensor, empty: Tensor, weights: Tensor) -> Tensor:
    """z′ and sign(w) z′ in turn, (chunks, 2 · tokens, width).

    Args:
        states: z, (chunks, tokens, width).
        empty: z∅, (1, tokens, width).
        weights: w, (chunks, tokens).
    """
    weighted = empty + weights.abs()[..., None] * (states - empty)
    weighted = torch.where(weights[..., None] == 1, states, weighted)
    signs = torch.where(weights < 0, -1.0, 1.0)[..., None].to(states)
    return torch.stack([weighted, signs * weighted], 2).flatten(1, 2)


def keys_and_values_apart(
    n: Tensor, context: Tensor, value: Tensor, options: dict[str, Any]
) -> tuple[Tensor, Tensor, Tensor]:
    """The host's patch before cross-attention."""
    return n, context[:, 0::2], value[:, 1::2]


class JointFlip:
    """Around AuraFlow's denoiser: one state a token, and the values of turned ones change sign."""

    def __init__(self, registers: int) -> None:
        self._registers = registers

    def __call__(
        self,
        executor: Callable[..., Tensor],
        x: Tensor,
        timestep: Tensor,
        context: Tensor,
        transformer_options: dict[str, Any],
        **further: Any,
    ) -> Tensor:
        keys, values = context[:, 0::2], context[:, 1::2]
        signs = torch.where((keys * values).sum(-1) < 0, -1.0, 1.0).to(context)

        def attention(
            plain: Callable[..., Tensor], q: Tensor, k: Tensor, v: Tensor, *args: Any, **more: Any
        ) -> Tensor:
            v = v.clone()  # (B, heads, tokens, width): registers, text, picture
            v[:, :, self._registers : self._registers + signs.shape[1]] *= signs[:, None, :, None]
            return plain(q, k, v, *args, **more)

        options = {**transformer_options, "optimized_attention_override": attention}
        return executor(x, timestep, keys, options, **further)
