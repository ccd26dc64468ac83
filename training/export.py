"""Models as the files that ``demo_model/loader.py`` loads."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from demo_model.eight_bits import packed

from .denoiser import Denoiser
from .networks import build
from .pictures.dataset import load_pictures
from .recipes import Recipe

EMBEDDING = "text_model.embeddings.token_embedding.weight"


def save_model(
    out: Path,
    denoiser: Denoiser,
    rest: dict[str, Tensor],
    metadata: dict[str, str],
    dtype: torch.dtype = torch.half,
) -> None:
    """Write a denoiser with its text encoder.

    Args:
        out: the file.
        denoiser: and its text encoder.
        rest: the tensors of the other parts, under their whole names.
        metadata: sizes and network where they are not the bundled model's, and notes.
        dtype: of all weights in the file; int8 for `eight_bits.packed`.
    """
    text = denoiser.text.transformer.state_dict()
    text["token_rows"] = text.pop(EMBEDDING)
    weights = {f"denoiser.{name}": value for name, value in denoiser.network.state_dict().items()}
    weights |= {f"text.{name}": value for name, value in text.items()} | rest
    in_file = (
        packed(weights)
        if dtype == torch.int8
        else {name: value.to(dtype).contiguous() for name, value in weights.items()}
    )
    in_file["text.token_ids"] = torch.tensor(denoiser.text.rows, dtype=torch.int32)
    save_file(in_file, out, metadata)


def export_twin(
    recipe: Recipe,
    weights: dict[str, Tensor],
    out: Path,
    dtype: torch.dtype = torch.half,
    notes: Mapping[str, object] = {},
) -> Denoiser:
    """Write a denoiser's parameters, such as a run's average; the autoencoder is the bundled one.

    Args:
        recipe: of the denoiser, which is returned.
        weights: by their names in it.
        out: the file.
        dtype: of all weights in the file.
        notes: for its metadata, such as the samples that it has seen.
    """
    denoiser = build(recipe)
    denoiser.load_state_dict(weights, strict=False)
    metadata = {name: str(value) for name, value in notes.items()} | {
        "network": recipe.network,
        "denoiser": json.dumps(recipe.sizes),
        "text_encoder": json.dumps(recipe.text),
    }
    save_model(out, denoiser, {}, metadata, dtype)
    return denoiser


def preview_colours(folder: Path) -> dict[str, Tensor]:
    """Least-squares map from a latent position to the mean colour of its 8 × 8 pixels, in [-1,
    1], over a folder's first 400 pictures."""
    pictures = torch.from_numpy(load_pictures(folder)[:400].copy()).float() / 127.5 - 1
    blocks = pictures.unflatten(1, (16, 8)).unflatten(3, (16, 8))
    colours = blocks.mean((2, 4)).reshape(-1, 3)
    latents = torch.load(folder / "latents.pt", weights_only=True)[:400].float().movedim(1, -1)
    design = torch.cat([latents.reshape(len(colours), -1), torch.ones(len(colours), 1)], 1)
    solution = torch.linalg.lstsq(design, colours).solution
    return {"preview.rgb_factors": solution[:-1], "preview.rgb_bias": solution[-1]}


def read_part(file: Path, part: str) -> dict[str, Tensor]:
    """A file's tensors named ``part.…``, in float32, without that beginning."""
    beginning = f"{part}."
    return {
        name.removeprefix(beginning): tensor.float()
        for name, tensor in load_file(file).items()
        if name.startswith(beginning)
    }
