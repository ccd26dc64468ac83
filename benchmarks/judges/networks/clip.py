"""How well pictures fit texts: cosine similarity of CLIP's embeddings."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .needs import device, package, weights

NAME = "clip-vit-large-patch14"
SOURCE = f"https://huggingface.co/openai/{NAME} (the whole folder: weights, config, tokenizer)"

Similarity = Callable[[Tensor, Sequence[str]], list[float]]
"""(pictures (N, height, width, 3) in 0 … 1, N texts) → N cosines, −1 … 1."""


def load_clip() -> Similarity:
    """Read the folder ``clip-vit-large-patch14``; any CLIP model in transformers' layout will do.

    Raises:
        MissingError: the folder is not there.
    """
    transformers = package("transformers")
    folder = weights(NAME, SOURCE)
    where = device()
    model = transformers.CLIPModel.from_pretrained(folder, local_files_only=True).eval().to(where)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    processor = transformers.CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)

    @torch.inference_mode()
    def similarity(pictures: Tensor, texts: Sequence[str]) -> list[float]:
        tokens = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        levels = (pictures * 255).round().byte().cpu().numpy()
        prepared = processor(list(levels), return_tensors="pt", input_data_format="channels_last")
        inputs = {name: value.to(where) for name, value in {**tokens, **prepared}.items()}
        found = model(**inputs)
        return (found.image_embeds * found.text_embeds).sum(-1).tolist()

    return similarity
