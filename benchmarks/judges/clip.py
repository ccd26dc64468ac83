"""CLIP's judges: cosines of a picture and a text. They need ``clip-vit-large-patch14``: README."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from benchmarks.harness.judge import Judge, Look
from benchmarks.harness.shots import Shot

from .networks.needs import device, package, weights

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


def concept(shot: Shot) -> str:
    """The style that a shot asks for, or else its object."""
    return shot.style or shot.object


def score(text: Callable[[Shot], str], least: float) -> Look:
    """How near a picture is to a text of its shot, as a share of 100, and ``least`` at least."""
    similarity = load_clip()

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        return [max(least, cosine) for cosine in similarity(pictures, [*map(text, shots)])]

    return look


def forgotten() -> Look:
    """Is a picture further from its concept than the base model's of the same prompt and seed? The
    paper's forget-success."""
    similarity = load_clip()

    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        assert before is not None  # it compares
        names = [*map(concept, shots)]
        pairs = zip(similarity(pictures, names), similarity(before, names), strict=True)
        return [float(after < earlier) for after, earlier in pairs]

    return look


JUDGES = {
    "clip_concept": Judge(
        "CLIP: similarity to the concept", "picture", lambda: score(concept, least=-1)
    ),
    # CLIP score (Hessel et al. 2021)
    "clip_score": Judge(
        "CLIP score, prompts", "picture", lambda: score(lambda shot: shot.prompt, least=0)
    ),
    "clip_forgotten": Judge(
        "CLIP: further from the concept than before", "picture", forgotten, compares=True
    ),
}
