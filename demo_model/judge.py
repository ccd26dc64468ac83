"""The judge: a small convolutional network that names the object and the style of a picture.

It was trained by ``training/judges/train.py`` on renders of its own, never on pictures of the
bundled model, and is used only to measure.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS = Path(__file__).with_name("judge.safetensors")
SIDE = 128
PICTURES_AT_ONCE = 64
NOTHING = "nothing"
PLAIN = "plain"


def block(inputs: int, outputs: int, stride: int = 2) -> nn.Sequential:
    """A 3×3 convolution, normalised and rectified."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Judge(nn.Module):
    """Pictures of shape (N, 128, 128, 3), values 0 … 1, to object and style logits."""

    def __init__(self, objects: tuple[str, ...], styles: tuple[str, ...]) -> None:
        super().__init__()
        self.objects = (*objects, NOTHING)
        self.styles = (*styles, PLAIN)
        self.trunk = nn.Sequential(
            nn.PixelUnshuffle(2),
            block(12, 24),
            block(24, 48),
            block(48, 96),
            block(96, 96, stride=1),
        )
        self.object_head = nn.Linear(96 * 4 * 4, len(self.objects))
        self.style_head = nn.Linear(96, len(self.styles))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, objects + 1) and (N, styles + 1).

        Raises:
            ValueError: the pictures have another shape.
        """
        if pictures.ndim != 4 or pictures.shape[1:] != (SIDE, SIDE, 3):
            raise ValueError(
                f"pictures must have shape (N, {SIDE}, {SIDE}, 3), not {tuple(pictures.shape)}; "
                "resize them first"
            )
        features = self.trunk(pictures.movedim(-1, 1).float() * 2 - 1)
        places = nn.functional.adaptive_avg_pool2d(features, 4).flatten(1)
        return self.object_head(places), self.style_head(features.mean((2, 3)))

    def name_objects(self, pictures: Tensor) -> list[str]:
        """The object seen in each picture, or ``"nothing"``."""
        return [self.objects[number] for number in self._largest(pictures, head=0)]

    def name_styles(self, pictures: Tensor) -> list[str]:
        """The style seen in each picture, or ``"plain"``."""
        return [self.styles[number] for number in self._largest(pictures, head=1)]

    @torch.inference_mode()
    def _largest(self, pictures: Tensor, head: int) -> list[int]:
        parts = pictures.split(PICTURES_AT_ONCE)
        return [number for part in parts for number in self(part)[head].argmax(1).tolist()]


def load_judge(objects: tuple[str, ...], styles: tuple[str, ...], file: Path = WEIGHTS) -> Judge:
    """The trained judge for the vocabulary it was trained on, in evaluation mode on the CPU."""
    judge = Judge(objects, styles)
    judge.load_state_dict({name: value.float() for name, value in load_file(file).items()})
    return judge.eval()
