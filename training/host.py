"""The real host's classes in this process, on the CPU."""

import sys
from pathlib import Path

from torch import nn

from workbench.environment import HOST, ROOT


def use_host() -> None:
    """Make ComfyUI's modules importable; call it before a module that imports them.

    The repository's root leaves ``sys.path``, since its ``nodes`` folder has the name of a host
    module. Its packages that are imported already stay.
    """
    import demo_model  # noqa: F401

    sys.path[:] = [place for place in sys.path if Path(place).resolve() != ROOT]
    sys.path.append(str(HOST))
    from comfy.cli_args import args

    args.cpu = True
    import utils.extra_config  # noqa: F401  (before others called utils, as in the host's main.py)


def reset_parameters(model: nn.Module) -> None:
    """torch's default initialisation, which the host's layers leave out because they expect a
    checkpoint."""
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
