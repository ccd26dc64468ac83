"""The text encoder in training: the host's CLIPTextModel over the token rows that captions use."""

from functools import lru_cache
from typing import Any

import torch
from comfy.clip_model import CLIPLayer, CLIPTextModel
from comfy.ops import disable_weight_init
from comfy.sd1_clip import SDTokenizer
from torch import Tensor, nn

from demo_model.architecture import TEXT_ENCODER, TEXT_TOKENS
from demo_model.vocabulary import OBJECTS, SCENES, STYLES

from .host import reset_parameters

WORDS = "a an the photo of in near and style"


def _add_out_of_place(
    self: CLIPLayer, x: Tensor, mask: Tensor | None = None, optimized_attention: object = None
) -> Tensor:
    x = x + self.self_attn(self.layer_norm1(x), mask, optimized_attention)
    return x + self.mlp(self.layer_norm2(x))


class CaptionEncoder(nn.Module):
    """Captions → contexts (B, 24, hidden size). Only the rows of known tokens exist, in the order
    of `rows`; KeyError where a caption has another.

    Args:
        sizes: parameters of ``CLIPTextModel``.
    """

    def __init__(self, sizes: dict[str, Any] = TEXT_ENCODER) -> None:
        super().__init__()
        # The host adds in place, which gradients do not survive.
        CLIPLayer.forward = _add_out_of_place
        width = sizes["hidden_size"]
        self.tokenizer = SDTokenizer(max_length=TEXT_TOKENS, embedding_size=width)
        places = [place for scene, more in SCENES.items() for place in (scene, *more)]
        every_word = " ".join([WORDS, *OBJECTS, *places, *STYLES])
        self.rows = sorted({token for word in every_word.split() for token in self._tokens(word)})
        self.compact = {token: row for row, token in enumerate(self.rows)}
        cpu = torch.device("cpu")
        self.transformer = CLIPTextModel(sizes, torch.float32, cpu, disable_weight_init)
        self.transformer.text_model.embeddings.token_embedding = nn.Embedding(len(self.rows), width)
        reset_parameters(self.transformer)
        self.compact_tokens = lru_cache(maxsize=None)(self._compact_tokens)

    def _tokens(self, text: str) -> list[int]:
        return [int(token) for token, _ in self.tokenizer.tokenize_with_weights(text)[0]]

    def _compact_tokens(self, text: str) -> Tensor:
        return torch.tensor([self.compact[token] for token in self._tokens(text)])

    def forward(self, captions: list[str]) -> Tensor:
        tokens = torch.stack([self.compact_tokens(text) for text in captions])
        embedded = self.transformer.text_model.embeddings.token_embedding(tokens)
        return self.transformer.text_model(embeds=embedded, num_tokens=[1] * len(captions))[0]
