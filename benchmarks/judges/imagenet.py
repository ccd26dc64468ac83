"""Is an ImageNet class in the picture? The first guess of torchvision's ResNet-50 among all 1,000.

Needs torchvision and its file ``resnet50-11ad3fa6.pth``; see the README.
"""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.harness.judge import Judge, Look
from benchmarks.harness.shots import Shot

from .networks.needs import device, package, weights

FILE = "resnet50-11ad3fa6.pth"
SOURCE = f"https://download.pytorch.org/models/{FILE}"


def load() -> Look:
    models = package("torchvision.models")
    recipe = models.ResNet50_Weights.IMAGENET1K_V2
    network = models.resnet50()
    network.load_state_dict(torch.load(weights(FILE, SOURCE), weights_only=True))
    network.eval().to(device())
    prepare = recipe.transforms()
    numbers: dict[str, set[int]] = defaultdict(set)  # two pairs of classes share a name
    for number, name in enumerate(recipe.meta["categories"]):
        numbers[name.lower()].add(number)

    @torch.inference_mode()
    def look(pictures: Tensor, shots: Sequence[Shot], before: Tensor | None) -> list[float]:
        for shot in shots:
            if shot.object.lower() not in numbers:
                raise ValueError(f"imagenet_resnet50: {shot.object!r} is no class of ImageNet")
        guesses = network(prepare(pictures.movedim(-1, 1)).to(device())).argmax(1).tolist()
        return [
            float(guess in numbers[shot.object.lower()])
            for guess, shot in zip(guesses, shots, strict=True)
        ]

    return look


JUDGES = {"imagenet_resnet50": Judge("ResNet-50 on ImageNet", "object", load)}
