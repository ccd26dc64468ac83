"""The second judge of the bundled model: a small vision transformer.

``training/judges/train.py`` trained it on renders of its own, spoiled in other
ways than those of the first judge. It is asked another question, too: not which object a picture
shows, but for each object whether it is there. So it can find both objects of a scene with two.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS = Path(__file__).with_suffix(".safetensors")
SIDE = 128
PICTURES_AT_ONCE = 64
PLAIN = "plain"
WIDTH, LAYERS, HEADS = 96, 4, 4
PATCHES = 8 * 8


class TransformerJudge(nn.Module):
    """Pictures of shape (N, 128, 128, 3), values 0 … 1, to object and style logits.

    Two strided convolutions cut a picture into patches (Xiao et al. 2021, "Early convolutions help
    transformers see better"); their mean after four layers of attention is what the heads see.
    """

    def __init__(self, objects: tuple[str, ...], styles: tuple[str, ...]) -> None:
        super().__init__()
        self.objects = objects
        self.styles = (*styles, PLAIN)
        self.stem = nn.Sequential(
            nn.Conv2d(3, 32, 7, stride=4, padding=3),
            nn.GELU(),
            nn.Conv2d(32, WIDTH, 5, stride=4, padding=2),
        )
        self.places = nn.Parameter(0.02 * torch.randn(1, PATCHES, WIDTH))
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 2 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
        )
        norm = nn.LayerNorm(WIDTH)
        self.layers = nn.TransformerEncoder(layer, LAYERS, norm, enable_nested_tensor=False)
        self.object_head = nn.Linear(WIDTH, len(self.objects))
        self.style_head = nn.Linear(WIDTH, len(self.styles))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, objects), each object's own, and (N, styles + 1), one of which is true."""
        seen = self.features(pictures)
        return self.object_head(seen), self.style_head(seen)

    def features(self, pictures: Tensor) -> Tensor:
        """The heads' input, (N, WIDTH)."""
        patches = self.stem(pictures.movedim(-1, 1).float() * 2 - 1).flatten(2).mT
        return self.layers(patches + self.places).mean(1)

    @torch.inference_mode()
    def name_objects(self, pictures: Tensor) -> list[set[str]]:
        """The objects in each picture: those whose probability is above one half."""
        found = [self(part)[0] > 0 for part in pictures.split(PICTURES_AT_ONCE)]
        return [
            {name for name, there in zip(self.objects, row, strict=True) if there}
            for row in torch.cat(found).tolist()
        ]

    @torch.inference_mode()
    def name_styles(self, pictures: Tensor) -> list[str]:
        """The style of each picture, or ``"plain"``."""
        parts = [self(part)[1].argmax(1) for part in pictures.split(PICTURES_AT_ONCE)]
        return [self.styles[number] for number in torch.cat(parts).tolist()]


def load_transformer(objects: tuple[str, ...], styles: tuple[str, ...]) -> TransformerJudge:
    """The trained judge for the vocabulary it was trained on, in evaluation mode on the CPU."""
    judge = TransformerJudge(objects, styles)
    judge.load_state_dict({name: value.float() for name, value in load_file(WEIGHTS).items()})
    return judge.eval()
