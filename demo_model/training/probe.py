"""Does the model keep its concepts in its second feed-forward layers?

Zeroes a small share of all FFN2 weights, picked by gradients (squared gradient × squared weight on
renders of the concept minus the same on renders of the others), draws, and asks the judge. It
passes when some share of at most 5 % leaves the concept below 10 % and the others above 90 % of
their accuracy. The choice uses nothing of the method, so that a failure speaks of the model alone.

    FIA_HOST=… python probe.py --weights ../weights.safetensors
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from draw import draw, load_model, load_package
from render import Content, render
from torch import Tensor, nn
from vocabulary import OBJECTS, SCENES, STYLES, with_article

SHARES = (0.005, 0.01, 0.03, 0.05)
RENDERS = 40


def feed_forward_weights(demo: Any) -> list[nn.Parameter]:
    modules = demo.model.model.diffusion_model.modules()
    return [module.net[2].weight for module in modules if type(module).__name__ == "FeedForward"]


def importance(demo: Any, name: str, seed: int) -> list[Tensor]:
    """Mean squared gradient × squared weight of the x0 error on renders of one object, one tensor
    a layer."""
    rng, scenes = np.random.default_rng(seed), list(SCENES)
    weights = feed_forward_weights(demo)
    sums = [torch.zeros_like(weight) for weight in weights]
    sampling = demo.model.model.model_sampling
    for i in range(RENDERS):
        scene = scenes[i % len(scenes)]
        picture = (
            torch.from_numpy(np.asarray(render(Content(scene, (name,)), rng)).copy())[None] / 255
        )
        latent = demo.vae.encode(picture)
        text = f"a photo of {with_article(name)} in {with_article(scene)}"
        context = demo.clip.encode_from_tokens(demo.clip.tokenize(text))
        sigma = sampling.sigma(torch.tensor([float(rng.integers(400, 1000))]))
        noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(i))
        with torch.enable_grad():
            denoised = demo.model.model.apply_model(
                latent + noise * sigma, sigma, c_crossattn=context
            )
            gradients = torch.autograd.grad((denoised - latent).square().mean(), weights)
        for total, gradient in zip(sums, gradients, strict=True):
            total += gradient.square() / RENDERS
    return [total * weight.detach().square() for total, weight in zip(sums, weights, strict=True)]


@torch.no_grad()
def zero_largest(weights: list[nn.Parameter], scores: list[Tensor], share: float) -> None:
    """Zero the weights of the highest scores over all layers together."""
    flat = torch.cat([score.flatten() for score in scores])
    least = flat.topk(int(share * len(flat))).values[-1]
    for weight, score in zip(weights, scores, strict=True):
        weight.masked_fill_(score >= least, 0)


def accuracy(demo: Any, judge: Any, names: list[str], seed: int) -> float:
    """Share of pictures of the named objects, one a scene, in which the judge finds the object."""
    wanted = [name for name in names for _ in SCENES]
    scenes = [scene for _ in names for scene in SCENES]
    prompts = [
        f"{with_article(n)} in {with_article(s)}" for n, s in zip(wanted, scenes, strict=True)
    ]
    seen = judge.name_objects(draw(demo, prompts, seed))
    return sum(a == b for a, b in zip(seen, wanted, strict=True)) / len(wanted)


def probe(weights_file: Path, concepts: list[str]) -> None:
    demo = load_model(weights_file)
    load_package("demo_model")
    from demo_model.judge import load_judge  # pyright: ignore[reportMissingImports]

    judge = load_judge(tuple(OBJECTS), STYLES)
    weights = feed_forward_weights(demo)
    originals = [weight.detach().clone() for weight in weights]
    for weight in weights:
        weight.requires_grad_(True)
    scores = {name: importance(demo, name, seed=5) for name in OBJECTS}
    for concept in concepts:
        others = [name for name in OBJECTS if name != concept]
        before, kept_before = (
            accuracy(demo, judge, [concept], 50),
            accuracy(demo, judge, others, 60),
        )
        print(f"{concept}: {before:.0%} before, the others {kept_before:.0%}")
        contrast = [
            own - torch.stack([scores[other][layer] for other in others]).mean(0)
            for layer, own in enumerate(scores[concept])
        ]
        for share in SHARES:
            zero_largest(weights, contrast, share)
            forgotten, kept = (
                accuracy(demo, judge, [concept], 50),
                accuracy(demo, judge, others, 60),
            )
            for weight, original in zip(weights, originals, strict=True):
                weight.data.copy_(original)
            verdict = "passes" if forgotten < 0.1 and kept > 0.9 * kept_before else "fails"
            print(
                f"  {share:5.1%} zeroed: {forgotten:4.0%} left, the others {kept:4.0%}  {verdict}",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--concepts", default="church, banana, english springer")
    arguments = parser.parse_args()
    probe(arguments.weights, [name.strip() for name in arguments.concepts.split(",")])
