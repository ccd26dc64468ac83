"""What share of a concept's effect goes with the few hidden units that are most its own?

The effect D is the prediction for "a photo of a cat in a forest" minus that for "a photo of a
forest", of the same noisy latent. S(r) is the share of D that goes when, in every FFN2 layer, the
r most peculiar hidden units are taken from the run without the object. No method of forgetting
and no judge is used.

    FIA_HOST=… python natural_model/concept_share.py

measures the bundled model; ``--recipe`` and ``--checkpoint`` measure one of ``train.py``. With
``--data``, the model's pictures, it also tells how much the loss rises when captions name another
object (the word gap).
"""

import argparse
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from names import PROBED
from paths import BUNDLED, REPOSITORY, use_training_scripts
from recipes import TRAINED, recipe_in

use_training_scripts()
from host import use_host  # noqa: E402

use_host()
import comfy.sample  # noqa: E402
import comfy.samplers  # noqa: E402
from draw import GUIDANCE, load_model  # noqa: E402
from hosted import host_checkpoint  # noqa: E402
from networks import NAMES  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from train import held_out_losses, load_data  # noqa: E402
from train_denoiser import Trainer, start_from  # noqa: E402
from vocabulary import OBJECTS, with_article  # noqa: E402

BUNDLED_PROBED = ("cat", "car", "bicycle", "banana", "guitar", "rocket", "house", "butterfly")
CHOOSING, TESTING = ("forest", "beach"), ("room", "mountain")
SHARES = (0.01, 0.03, 0.10, 1.0)
ZEROED = 0.10
LEVELS = (999, 849, 699, 549)
"""The noise levels, as steps of Stable Diffusion's schedule; the guided run between them goes in
steps of 50."""


@dataclass
class Concepts:
    """What the probe found.

    Attributes:
        gone: share of the hidden units → share of D that goes with them, mean over objects,
            scenes and noise levels.
        by_step: the 3 % row by noise level, the noisiest first.
        neighbour: share of another object's D that goes when those 10 % are zeroed.
        cosine: of two objects' patterns, squared, over all units; mean over pairs.
    """

    gone: dict[float, float] = field(default_factory=dict)
    by_step: list[float] = field(default_factory=list)
    neighbour: float = 0.0
    cosine: float = 0.0

    def __str__(self) -> str:
        shares = "  ".join(f"S({share:.0%}) {value:.2f}" for share, value in self.gone.items())
        steps = " ".join(f"{value:.2f}" for value in self.by_step)
        return (
            f"{shares}  S(3%) by step {steps}  another object loses {self.neighbour:.2f}  "
            f"cosine {self.cosine:.2f}"
        )


def ffn2_layers(model: Any) -> list[nn.Linear]:
    """The layers that the nodes would profile."""
    file = REPOSITORY / "nodes" / "host" / "model" / "families.py"
    spec = importlib.util.spec_from_file_location("families", file)
    assert spec is not None and spec.loader is not None
    registry = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(registry)
    return [layer for _, layer in registry.ffn2_of(type(model.model), model.model.diffusion_model)]


@contextmanager
def hidden_units(
    layers: Sequence[nn.Linear], change: Callable[[int, Tensor], Tensor | None]
) -> Iterator[None]:
    """Let ``change`` see the input of every FFN2, (B, tokens, C_in), with the layer's number, and
    put another in its place where it gives one."""

    def hook(number: int) -> Callable[[nn.Module, tuple[Tensor]], tuple[Tensor] | None]:
        def run(_: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
            changed = change(number, inputs[0])
            return None if changed is None else (changed,)

        return run

    handles = [layer.register_forward_pre_hook(hook(number)) for number, layer in enumerate(layers)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class Probe:
    """One model, the objects that it is asked for, and how a text becomes its context.

    Args:
        model: the host's ModelPatcher.
        encode: a text → its context, (1, tokens, width).
        names: objects; each is compared with all others.
    """

    def __init__(self, model: Any, encode: Callable[[str], Tensor], names: Sequence[str]) -> None:
        self.model, self.encode, self.names = model, cache(encode), names
        self.layers = ffn2_layers(model)
        self.norms = [layer.weight.detach().float().norm(dim=0) for layer in self.layers]
        sampling = model.get_model_object("model_sampling")
        self.sigmas = [
            sampling.percent_to_sigma(1 - step / 999) if step < 999 else float(sampling.sigma_max)
            for step in range(999, 498, -50)
        ]

    @torch.no_grad()
    def run(self) -> Concepts:
        """Choose units on two scenes, test on the other two."""
        patterns = self._patterns()
        found = Concepts(cosine=_mean_cosine(patterns))
        own = [pattern - _mean_of_others(pattern) for pattern in patterns]
        for share in SHARES:
            chosen = [scores.topk(max(1, round(share * scores.shape[1]))).indices for scores in own]
            rows = torch.tensor(
                [
                    [self._gone(noisy, sigma, scene, chosen) for sigma, noisy in looks]
                    for scene, looks in self._looks(TESTING)
                ]
            )
            found.gone[share] = rows.mean().item()
            if share == 0.03:
                found.by_step = rows.mean(0).tolist()
            if share == ZEROED:
                lost = [
                    self._lost_by_another(noisy, sigma, scene, chosen)
                    for scene, looks in self._looks(TESTING)
                    for sigma, noisy in looks
                ]
                found.neighbour = sum(lost) / len(lost)
        return found

    def _looks(self, scenes: Sequence[str]) -> Iterator[tuple[str, list[tuple[float, Tensor]]]]:
        """Scene by scene: (σ, noisy latent) of a guided run with the scene's name alone."""
        for number, scene in enumerate(scenes):
            seen: list[Tensor] = []
            empty = torch.zeros(1, self.model.model.latent_format.latent_channels, 16, 16)
            comfy.sample.sample_custom(
                self.model,
                comfy.sample.prepare_noise(empty, 400 + number),
                GUIDANCE,
                comfy.samplers.sampler_object("euler"),
                torch.tensor(self.sigmas),
                [[self.encode(f"a photo of {with_article(scene)}"), {}]],
                [[self.encode(""), {}]],
                empty,
                callback=lambda step, denoised, x, total, seen=seen: seen.append(x.clone()),
                disable_pbar=True,
            )
            yield (
                scene,
                [(self.sigmas[(999 - level) // 50], seen[(999 - level) // 50]) for level in LEVELS],
            )

    def _predict(self, noisy: Tensor, sigma: float, prompts: list[str]) -> Tensor:
        """Clean latents of one noisy latent under each prompt, (prompts, 8, 16, 16)."""
        contexts = torch.cat([self.encode(text) for text in prompts])
        rows = len(prompts)
        levels = torch.full((rows,), sigma)
        x = noisy.expand(rows, -1, -1, -1)
        return self.model.model.apply_model(x, levels, c_crossattn=contexts).float()

    def _prompts(self, scene: str) -> list[str]:
        """The scene alone, then every object in it."""
        place = with_article(scene)
        return [
            f"a photo of {place}",
            *(f"a photo of {with_article(name)} in {place}" for name in self.names),
        ]

    def _patterns(self) -> list[Tensor]:
        """How loudly each unit answers to each object, (objects, C_in) a layer.

        ‖W[:, j]‖ × the rms over tokens of unit j's change, mean over scenes and noise levels.
        """
        patterns = [torch.zeros(len(self.names), len(norms)) for norms in self.norms]

        def note(number: int, hidden: Tensor) -> None:
            change = (hidden[1:] - hidden[:1]).float().square().mean(1).sqrt()
            patterns[number] += change * self.norms[number] / (len(CHOOSING) * len(LEVELS))

        for scene, looks in self._looks(CHOOSING):
            for sigma, noisy in looks:
                with hidden_units(self.layers, note):
                    self._predict(noisy, sigma, self._prompts(scene))
        return patterns

    def _gone(self, noisy: Tensor, sigma: float, scene: str, chosen: list[Tensor]) -> float:
        """1 − ⟨D′, D⟩ / ⟨D, D⟩, mean over objects, where each object's chosen units are the
        scene's."""

        def restore(number: int, hidden: Tensor) -> Tensor:
            hidden = hidden.clone()
            for row, units in enumerate(chosen[number], start=1):
                hidden[row, :, units] = hidden[0, :, units]
            return hidden

        prompts = self._prompts(scene)
        whole = self._predict(noisy, sigma, prompts)
        with hidden_units(self.layers, restore):
            rest = self._predict(noisy, sigma, prompts)
        return _share_gone(whole[1:] - whole[:1], rest[1:] - rest[:1])

    def _lost_by_another(
        self, noisy: Tensor, sigma: float, scene: str, chosen: list[Tensor]
    ) -> float:
        """The same share of each object's D, the next object's chosen units being zero."""
        prompts = self._prompts(scene)
        pairs = [text for prompt in prompts[1:] for text in (prompts[0], prompt)]

        def silence(number: int, hidden: Tensor) -> Tensor:
            hidden = hidden.clone()
            for row, units in enumerate(chosen[number].roll(-1, 0)):
                hidden[2 * row : 2 * row + 2, :, units] = 0
            return hidden

        whole = self._predict(noisy, sigma, pairs)
        with hidden_units(self.layers, silence):
            rest = self._predict(noisy, sigma, pairs)
        return _share_gone(whole[1::2] - whole[::2], rest[1::2] - rest[::2])


def _share_gone(whole: Tensor, rest: Tensor) -> float:
    whole, rest = whole.flatten(1), rest.flatten(1)
    return (1 - (rest * whole).sum(1) / whole.square().sum(1)).mean().item()


def _mean_of_others(scores: Tensor) -> Tensor:
    """For every row, the mean of all other rows."""
    return (scores.sum(0) - scores) / (len(scores) - 1)


def _mean_cosine(patterns: list[Tensor]) -> float:
    rows = nn.functional.normalize(torch.cat(patterns, 1).square(), dim=1)
    pairs = rows @ rows.T
    count = len(rows)
    return ((pairs.sum() - pairs.trace()) / (count * (count - 1))).item()


def probe(model: Any, clip: Any, names: Sequence[str]) -> Concepts:
    """The probe of a model as the host holds it."""

    def encode(text: str) -> Tensor:
        return clip.encode_from_tokens(clip.tokenize(text))

    return Probe(model, encode, names).run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", choices=TRAINED)
    parser.add_argument("--world", choices=NAMES, default="a", help="of the checkpoint")
    parser.add_argument("--checkpoint", type=Path, help="that train.py wrote")
    parser.add_argument("--data", type=Path, help="that world.py, or dataset.py, wrote")
    arguments = parser.parse_args()
    if arguments.checkpoint is None:
        held, names, every = load_model(BUNDLED), BUNDLED_PROBED, tuple(OBJECTS)
        denoiser = Trainer()
        start_from(BUNDLED, denoiser)
    elif arguments.recipe is None:
        parser.error("--recipe: say which recipe the checkpoint is of")
    else:
        held = host_checkpoint(recipe_in(arguments.recipe, arguments.world), arguments.checkpoint)
        names = BUNDLED_PROBED if arguments.world == "bundled" else PROBED
        denoiser, every = held.denoiser, NAMES[arguments.world]
    print(probe(held.model, held.clip, names))
    if arguments.data is not None:
        right, wrong = held_out_losses(denoiser, load_data(arguments.data), every)
        print(f"loss {right:.3f}  word gap {wrong / right - 1:.3f}")


if __name__ == "__main__":
    main()
