"""Import the real host's classes into a training script: ``FIA_HOST`` names the ComfyUI folder."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def use_host() -> None:
    """Put ComfyUI and ``demo_model/`` on the path, ComfyUI set to the CPU; exits with a message
    when it is not named."""
    folder = os.environ.get("FIA_HOST")
    if not folder or not os.path.isfile(os.path.join(folder, "main.py")):
        sys.exit("Set FIA_HOST to a ComfyUI folder (the one that holds main.py).")
    sys.path[:0] = [folder, str(Path(__file__).parents[1])]
    arguments, sys.argv = sys.argv, [sys.argv[0], "--cpu"]
    import comfy.options

    comfy.options.enable_args_parsing()
    import comfy.cli_args

    sys.argv = arguments
    import utils.extra_config  # noqa: F401  (before others called utils, as in the host's main.py)


def reset_parameters(model: "nn.Module") -> None:
    """torch's default initialisation, which the host's layers leave out because they expect a
    checkpoint."""
    from torch import nn

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, a=5**0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.GroupNorm | nn.LayerNorm) and module.weight is not None:
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
