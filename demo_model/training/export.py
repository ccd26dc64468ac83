"""Put the trained parts into the one file that the Demo Model node loads.

FIA_HOST=… python export.py --data DIR --autoencoder FILE --denoiser DIR/denoiser.pt --out
../weights.safetensors

Without ``--data`` and ``--denoiser`` only the autoencoder in an existing file is replaced.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from host import use_host
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

use_host()
from denoiser import Denoiser  # noqa: E402
from eight_bits import packed  # noqa: E402
from text import EMBEDDING  # noqa: E402
from train_denoiser import Trainer  # noqa: E402


def preview_colours(data: Path) -> dict[str, Tensor]:
    """Least-squares map from a latent position to the mean colour of its 8 × 8 pixels, in [-1,
    1]."""
    pictures = np.load(data / "pictures.npy", mmap_mode="r")[:400]
    blocks = (
        torch.from_numpy(pictures.copy())
        .float()
        .div(127.5)
        .sub(1)
        .unflatten(1, (16, 8))
        .unflatten(3, (16, 8))
    )
    colours = blocks.mean((2, 4)).reshape(-1, 3)
    latents = (
        torch.load(data / "latents.pt", weights_only=True)[:400]
        .float()
        .movedim(1, -1)
        .reshape(len(colours), -1)
    )
    design = torch.cat([latents, torch.ones(len(colours), 1)], 1)
    solution = torch.linalg.lstsq(design, colours).solution
    return {"preview.rgb_factors": solution[:-1], "preview.rgb_bias": solution[-1]}


def save_model(
    out: Path,
    denoiser: Denoiser,
    rest: dict[str, Tensor],
    metadata: dict[str, str],
    dtype: torch.dtype = torch.half,
) -> None:
    """Write what ``demo_model/loader.py`` loads.

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


def export(data: Path, autoencoder: Path, denoiser: Path, out: Path) -> None:
    state = torch.load(denoiser, weights_only=True)
    trainer = Trainer()
    trainer.load_state_dict(state["average"], strict=False)
    rest = {f"autoencoder.{name}": value for name, value in load_file(autoencoder).items()}
    metadata = {"steps": str(state["step"]), "minutes": f"{state['spent'] / 60:.0f}"}
    save_model(out, trainer, rest | preview_colours(data), metadata)
    print(f"{out.name}: {out.stat().st_size / 1e6:.1f} MB after {state['step']} steps")


def replace_autoencoder(autoencoder: Path, out: Path) -> None:
    with safe_open(out, "pt") as file:
        metadata = file.metadata()
    weights = load_file(out)
    for name, value in load_file(autoencoder).items():
        weights[f"autoencoder.{name}"] = value.half().contiguous()
    save_file(weights, out, metadata=metadata)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--autoencoder", type=Path, required=True)
    parser.add_argument("--denoiser", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.denoiser is None:
        replace_autoencoder(arguments.autoencoder, arguments.out)
    else:
        export(arguments.data, arguments.autoencoder, arguments.denoiser, arguments.out)
