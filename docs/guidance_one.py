"""Forgetting at guidance 1, as distilled models are run: the mask beside negative prompts.

    python docs/guidance_one.py /path/to/ComfyUI            with that ComfyUI's Python, some minutes
    python docs/guidance_one.py /path/to/ComfyUI out.png    also the pictures of the first seed

The bundled model draws two objects to forget and four to keep, each in two scenes and at five
seeds, and the judge looks for them. At guidance 1 there is no negative half, so a negative prompt
does nothing. Two ways to bring it back run beside the mask: Normalized Attention Guidance (the
host's own node, from 0.14 on, with its default settings) and NegPiP's rule (pamparamm/ComfyUI-ppm):
the negative words end the prompt, and their values in cross-attention change sign.
"""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FORGET = ("church", "golf ball")
KEEP = ("cat", "car", "banana", "guitar")
CONTEXTS = (
    "park",
    "forest",
    "room",
    "city",
    "lawn",
    "garden",
    "street",
    "office",
    "cafe",
    "tree",
)
SCENES = ("desert", "beach")
SEEDS = range(5)
STEPS = 10
SIDE = 128  # pixels
END = 49407  # CLIP's end mark
PACKAGE = "forget_it_all"

PIXEL_CHANGE = "average pixel change in kept pictures"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("comfyui", type=Path, help="the folder with ComfyUI's main.py")
    parser.add_argument("picture", type=Path, nargs="?", help="where the pictures go")
    arguments = parser.parse_args()
    sys.argv = sys.argv[:1]  # the host reads them, too
    sys.path[:] = [str(arguments.comfyui.resolve()), *sys.path[1:], str(ROOT)]

    from comfy.cli_args import args

    args.cpu = True
    import torch

    with torch.inference_mode():
        measure(arguments.picture)


def measure(picture: Path | None) -> None:
    """Draw everything in every way, and print the table."""
    import torch
    from PIL import Image

    from demo_model.judge import load_judge
    from demo_model.vocabulary import OBJECTS, STYLES, with_article

    demo = extension("demo_model.loader").load_demo_model()
    judge = load_judge(tuple(OBJECTS), tuple(STYLES))
    shots = [(name, scene) for name in (*FORGET, *KEEP) for scene in SCENES]
    prompts = [f"a photo of {with_article(name)} in {with_article(scene)}" for name, scene in shots]
    first_kept = len(FORGET) * len(SCENES)
    plain: list[Any] = []
    rows = []
    head = ("at guidance 1", "forgotten objects found", "kept objects found", PIXEL_CHANGE)
    print(f"| {' | '.join(head)} |")
    print("| --- | --- | --- | --- |")
    for label, way in ways(demo).items():
        pictures = [drawn(demo, way, prompts, seed) for seed in SEEDS]
        plain = plain or pictures
        right = [
            [name == saw for (name, _), saw in zip(shots, judge.name_objects(each), strict=True)]
            for each in pictures
        ]
        forgotten = [found for each in right for found in each[:first_kept]]
        kept = [found for each in right for found in each[first_kept:]]
        moved = torch.stack(pictures)[:, first_kept:] - torch.stack(plain)[:, first_kept:]
        print(
            f"| {label} | {sum(forgotten)} of {len(forgotten)} | {sum(kept)} of {len(kept)} "
            f"| {moved.abs().mean():.1%} |",
            flush=True,
        )
        rows.append(torch.cat(list(pictures[0][: 2 * first_kept]), dim=1))
    if picture:
        sheet = (255 * torch.cat(rows)).round().byte().numpy()
        Image.fromarray(sheet).save(picture)


@dataclass(frozen=True)
class Way:
    """How pictures are drawn.

    Attributes:
        model: the host's patcher, given the prompts.
        negative: the negative prompt.
        ending: what every prompt ends with.
    """

    model: Callable[[list[str]], Any]
    negative: str = ""
    ending: str = ""


def ways(demo: Any) -> dict[str, Way]:
    """All that are compared, the plain model first; NAG only where the host has it."""
    unwanted = " ".join(FORGET)
    guided, forgot = attention_guidance(demo.model), masked(demo)
    found = {
        "plain model": Way(lambda _: demo.model),
        "negative prompt": Way(lambda _: demo.model, negative=unwanted),
        "NAG": Way(lambda _: guided, negative=unwanted),
        "NegPiP's rule": Way(
            lambda prompts: with_negative_values(demo, prompts, f" {unwanted}"),
            ending=f" {unwanted}",
        ),
        "Forget It All": Way(lambda _: forgot),
    }
    return {label: way for label, way in found.items() if label != "NAG" or guided is not None}


def masked(demo: Any) -> Any:
    """The model that forgot: as in the template forget_with_demo_model, profiled at guidance 1."""
    core, host = extension("fia_core"), "nodes.host"
    request = extension(f"{host}.profile_request").ProfileRequest(
        concepts=FORGET,
        kind="object",
        contexts=CONTEXTS,
        templates=core.default_templates("object"),
        sampling=extension(f"{host}.denoise").SamplingSettings(
            0, 50, 10, 1.0, "euler", "normal", SIDE, SIDE
        ),
        temporal_sparsity=0.05,
        saliency_form="exact",
        chunk=0,
    )
    profiles = extension(f"{host}.profiling").profile_concepts(demo.model, demo.clip, request)
    masks = [core.build_concept_mask(profile, 0.01) for profile in profiles]
    mask = core.fuse_neuron_masks(masks, 0.6).mask
    return extension(f"{host}.weight_patch").apply_neuron_mask(demo.model, mask, 1.0)


def attention_guidance(model: Any) -> Any:
    """After the host's NAG node with its default settings; None where the host has none."""
    if importlib.util.find_spec("comfy_extras.nodes_nag") is None:
        return None
    node = importlib.import_module("comfy_extras.nodes_nag").NAGuidance
    settings = {slot.id: slot.default for slot in node.define_schema().inputs[1:]}
    return node.execute(model, **settings)[0]


def with_negative_values(demo: Any, prompts: list[str], ending: str) -> Any:
    """NegPiP's rule: what cross-attention takes from the words of ``ending`` changes its sign."""
    import torch

    def words(text: str) -> int:
        """Tokens up to the end mark."""
        ids = [token for token, _ in demo.clip.tokenize(text)["l"][0]]
        return ids.index(END)

    signs = torch.ones(len(prompts), demo.clip.tokenizer.clip_l.max_length, 1)
    for row, prompt in enumerate(prompts):
        signs[row, words(prompt) : words(prompt + ending)] = -1
    changed = demo.model.clone()
    changed.set_model_attn2_patch(lambda n, k, v, _: (n, k, v * signs.to(v)))
    return changed


def drawn(demo: Any, way: Way, prompts: list[str], seed: int) -> Any:
    """A picture a prompt, all from the same noise: (N, height, width, 3), values 0 to 1."""
    import comfy.sample
    import torch

    conditioning = extension("nodes.host.profiling.conditioning")

    def encoded(texts: list[str]) -> Any:
        return conditioning.stack_prompts(conditioning.encode_prompts(demo.clip, texts))

    empty = comfy.sample.fix_empty_latent_channels(
        demo.model, torch.zeros(1, 4, SIDE // 8, SIDE // 8)
    )
    noise: Any = comfy.sample.prepare_noise(empty, seed)
    rows = len(prompts)
    latents = comfy.sample.sample(
        way.model(prompts),
        noise.repeat(rows, 1, 1, 1),
        STEPS,
        1.0,
        "euler",
        "normal",
        encoded([prompt + way.ending for prompt in prompts]),
        encoded([way.negative] * rows),
        empty.repeat(rows, 1, 1, 1),
        disable_pbar=True,
        seed=seed,
    )
    return demo.vae.decode(latents)


def extension(module: str) -> ModuleType:
    """A module of this repository, as the host would load it."""
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(PACKAGE, ROOT / "__init__.py")
        assert spec and spec.loader
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[PACKAGE])
    return importlib.import_module(f"{PACKAGE}.{module}")


if __name__ == "__main__":
    main()
