"""Write a checkpoint of random half-precision weights that ComfyUI loads as Stable Diffusion 1.5.

    python -P tests/host/tiny_checkpoint.py COMFYUI FILE

A program of its own: this repository's ``nodes`` folder and the host's module of that name cannot
share a process.
"""

import sys
from pathlib import Path

HOST, FILE = sys.argv[1:]
sys.path[:0] = [HOST, str(Path(__file__).parent)]
sys.argv[1:] = ["--cpu"]  # for the host, which reads the command line

import comfy.options  # noqa: E402  (the host is on the path only now)

comfy.options.enable_args_parsing()

import comfy.sd  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from tiny_model import loadable_sd15  # noqa: E402

Path(FILE).parent.mkdir(parents=True, exist_ok=True)
model = loadable_sd15()
with torch.inference_mode():
    comfy.sd.save_checkpoint(FILE, model.model, model.clip, model.vae)
    whole = load_file(FILE)
    save_file({name: tensor.half() for name, tensor in whole.items()}, FILE)
