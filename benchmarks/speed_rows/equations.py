"""The cost of the equations."""

from collections.abc import Iterator

import torch

from ...fia_core import RunningMoments
from ...fia_core.equations.saliency import alignments, unit_columns
from .figures import Figure
from .measuring import ratios

SD15_AT_512 = (
    (5, 1280, 320, 4096),
    (5, 2560, 640, 1024),
    (5, 5120, 1280, 256),
    (1, 5120, 1280, 64),
)
"""(how many layers, C_in, C_out, tokens) of SD 1.5's FFN2 layers at 512 pixels."""


def statistics(rounds: int) -> Iterator[Figure]:
    """Exact Eq. 1 and its moments for one prompt, against the FFN2 layers' forward for it."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    generator = torch.Generator().manual_seed(0)
    layers = []
    for count, c_in, c_out, tokens in SD15_AT_512:
        weight = torch.randn(c_out, c_in, generator=generator).mul_(c_in**-0.5).to(device)
        x = torch.randn(tokens, c_in, generator=generator).to(device)
        y = x @ weight.T
        layers += [(weight, x, y, RunningMoments((c_in, c_out), device)) for _ in range(count)]
    room = torch.empty(max(weight.numel() for weight, *_ in layers), device=device)

    def forward() -> None:
        for weight, x, _, _ in layers:
            torch.nn.functional.linear(x, weight)

    def statistics() -> None:
        for weight, x, y, moments in layers:
            unit, _ = unit_columns(y[None], torch.float32)
            memory = room[: weight.numel()].view(1, *weight.T.shape)
            moments.add(alignments(x[None], unit, "exact", memory))

    yield Figure(
        "exact Eq. 1 statistics",
        ratios(statistics, forward, rounds),
        against="FFN2's own forward of the conditional half",
        conditions="SD 1.5 at 512 px, one prompt and step",
    )
