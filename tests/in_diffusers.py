"""Do with diffusers what the tests of ``tests/host/test_diffusers.py`` look at.

    python -P tests/in_diffusers.py CHECKPOINT MASK FOLDER

CHECKPOINT is of ``loadable_sd15``. A program of its own, because diffusers cannot be imported
beside the host's stand-in for torchvision. It writes below FOLDER: ``pipeline``; what that predicts
for ``inputs.safetensors``; the denoiser's weights after a mask was applied to one whose FFN2
weights are all 1; and the shapes of a whole Stable Diffusion 1.x denoiser.
"""

import json
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
CHECKPOINT, MASK, FOLDER = map(Path, sys.argv[1:])
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "docs")]

import torch  # noqa: E402  (the repository is on the path only now)
from diffusers import DiffusionPipeline, UNet2DConditionModel  # noqa: E402
from diffusers_mask import forget  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from fia_core import NeuronMask  # noqa: E402
from tools.to_diffusers import write_pipeline, write_sd1_configuration  # noqa: E402

# Files hold every weight, so none needs to be drawn.
torch.nn.Linear.reset_parameters = lambda self: None
torch.nn.Conv2d.reset_parameters = lambda self: None

configuration = FOLDER / "configuration"
write_sd1_configuration(configuration)
settings = configuration / "unet" / "config.json"
unet = json.loads(settings.read_text(encoding="utf-8"))
with torch.device("meta"):
    whole: Any = UNet2DConditionModel.from_config(unet)
shapes = {name: list(weight.shape) for name, weight in whole.state_dict().items()}
(FOLDER / "shapes.json").write_text(json.dumps(shapes), encoding="utf-8")
unet |= {"block_out_channels": [320, 640], "layers_per_block": 1}
unet["down_block_types"] = ["CrossAttnDownBlock2D"] * 2
unet["up_block_types"] = ["CrossAttnUpBlock2D"] * 2
settings.write_text(json.dumps(unet), encoding="utf-8")

write_pipeline(CHECKPOINT, FOLDER / "pipeline", configuration)
pipeline: Any = DiffusionPipeline.from_pretrained(str(FOLDER / "pipeline"))
inputs = load_file(FOLDER / "inputs.safetensors")
tokens = pipeline.tokenizer("a church", padding="max_length", return_tensors="pt").input_ids
with torch.inference_mode():
    predicted = {
        "noise": pipeline.unet(inputs["latent"], inputs["step"], inputs["text"]).sample,
        "picture": pipeline.vae.decode(inputs["latent"]).sample,
        "text": pipeline.text_encoder(tokens).last_hidden_state,
    }
    pipeline("a church", height=64, width=64, num_inference_steps=1, output_type="latent")
save_file(predicted, FOLDER / "predicted.safetensors")

for name, weight in pipeline.unet.state_dict().items():
    if name.endswith(".ff.net.2.weight"):
        weight.fill_(1.0)
forget(pipeline.unet, NeuronMask.load(MASK))
save_file(pipeline.unet.state_dict(), FOLDER / "forgotten.safetensors")
