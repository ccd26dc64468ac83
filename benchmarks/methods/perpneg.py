"""The host's Perp-Neg guider: only what of the negative prompt is at right angles to the prompt.

It is made to correct a picture, not to remove what its own prompt asks for. The authors take each
negative prompt by itself; the host's node takes one, so that all concepts stand in it.
"""

from benchmarks.harness.method import Branch, Draft, Link, Method, Setup
from benchmarks.harness.negative_words import negative_words
from benchmarks.harness.suite import Settings

SCALE = 1.0  # the node's own default


def build(draft: Draft, setup: Setup, concepts: tuple[str, ...], settings: Settings) -> Branch:
    negative = draft.add("CLIPTextEncode", clip=setup.clip, text=negative_words(concepts, settings))
    scale = settings.get("neg_scale", SCALE)

    def sample(
        draft: Draft, setup: Setup, branch: Branch, positive: Link, latent: Link, seed: int
    ) -> Link:
        guider = draft.add(
            "PerpNegGuider",
            model=branch.model,
            positive=positive,
            negative=branch.negative,
            empty_conditioning=setup.negative,
            cfg=setup.sampler["cfg"],
            neg_scale=scale,
        )
        return draft.add(
            "SamplerCustomAdvanced",
            noise=draft.add("RandomNoise", noise_seed=seed),
            guider=guider,
            sampler=draft.add("KSamplerSelect", sampler_name=setup.sampler["sampler_name"]),
            sigmas=draft.add(
                "BasicScheduler",
                model=branch.model,
                **{key: setup.sampler[key] for key in ("scheduler", "steps", "denoise")},
            ),
            latent_image=latent,
        )

    return Branch(setup.model, negative, sample)


METHOD = Method("Perp-Neg", "peer", build, frozenset({"neg_scale", "wording"}))
