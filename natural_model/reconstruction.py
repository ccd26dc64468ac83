"""How well the bundled autoencoder gives the pictures of a data set back.

FIA_HOST=… python natural_model/reconstruction.py --data DIR
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from paths import BUNDLED, use_training_scripts

use_training_scripts()
from host import use_host  # noqa: E402
from weights_file import read_part  # noqa: E402

use_host()
from draw import grid  # noqa: E402
from train_autoencoder import build_autoencoder, decode, encode  # noqa: E402


@torch.no_grad()
def report(data: Path, count: int) -> None:
    """Print the mean error; write pictures beside their reconstructions as
    ``reconstruction.png``."""
    model = build_autoencoder()
    model.load_state_dict(read_part(BUNDLED, "autoencoder"))
    pictures = torch.from_numpy(np.load(data / "pictures.npy", mmap_mode="r")[-count:].copy())
    wanted = pictures.movedim(-1, 1).float() / 127.5 - 1
    latents = torch.cat([encode(model, part) for part in wanted.split(32)])
    given = torch.cat([decode(model, part) for part in latents.split(32)]).clamp(-1, 1)
    error = (given - wanted).abs().mean((1, 2, 3))
    print(f"mean error {error.mean():.4f} of a range of 2, worst tenth {error.quantile(0.9):.4f}")
    print(f"latents: standard deviation {latents.std():.3f}, mean {latents.mean():.3f}")
    pairs = torch.stack([wanted, given], 1)[:48].flatten(0, 1)
    grid(pairs.movedim(1, -1) / 2 + 0.5, columns=12).save(data / "reconstruction.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=512, help="of the last pictures")
    arguments = parser.parse_args()
    report(arguments.data, arguments.count)
