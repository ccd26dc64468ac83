"""A suite's model in the host of this process: methods change it, the host's sampler draws with it.

Import it after ``workbench.in_process.load_host``: it needs the host's modules.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any

import comfy.sample
import comfy.samplers
import comfy.sd
import folder_paths
import numpy as np
import torch
from comfy.model_management import intermediate_device
from comfy.model_patcher import ModelPatcher
from PIL import Image
from safetensors import safe_open
from torch import Tensor

from demo_model.vocabulary import with_article
from workbench.in_process import Extension

from . import registry
from .binding import bound_settings
from .judge import as_batch
from .sampling import CHECKPOINT, DEMO, DEMO_METHODS, Sampling
from .suite import Attack, Entry, Suite, SuiteError

Erased = Any
"""``Erased`` of ``benchmarks/forget``, under the name that the host gave the extension."""


@dataclass(frozen=True)
class HostedModel:
    """A model that methods change and that draws.

    Attributes:
        extension: whose methods.
        model, clip, vae: as a checkpoint loader gives them.
        sampling: of the pictures.
        defaults: settings of methods that a suite need not give.
    """

    extension: Extension
    model: ModelPatcher
    clip: comfy.sd.CLIP
    vae: comfy.sd.VAE
    sampling: Sampling
    defaults: Mapping[str, Any]

    @classmethod
    @torch.inference_mode()
    def of_suite(cls, suite: Suite, extension: Extension) -> "HostedModel":
        """The suite's checkpoint, or the bundled model; sampled as the suite says.

        A small model's methods profile with the guidance that its pictures are drawn with.
        """
        parts: Any
        if suite.checkpoint is None or is_small(suite.checkpoint):
            load = extension.module("demo_model.loader").load_demo_model
            parts = load(suite.checkpoint) if suite.checkpoint else load()
            sampling = DEMO.changed(suite.sampling)
            defaults = {**DEMO_METHODS, "cfg": sampling.cfg}
        else:
            parts = comfy.sd.load_checkpoint_guess_config(
                str(suite.checkpoint),
                embedding_directory=folder_paths.get_folder_paths("embeddings"),
            )
            sampling, defaults = CHECKPOINT.changed(suite.sampling), {}
        model, clip, vae, *_ = parts
        return cls(extension, model, clip, vae, sampling, defaults)

    @property
    def refusal(self) -> type[ValueError]:
        """What methods raise of settings with which they can do nothing."""
        return self.extension.module("benchmarks.forget.erased").RefusalError

    def sampled_with(self, given: Mapping[str, Any]) -> "HostedModel":
        """The model with other sampling."""
        return replace(self, sampling=self.sampling.changed(given))

    def check(self, entries: Iterable[Entry]) -> None:
        """Raise SuiteError unless the methods take the settings of ``entries``."""
        for entry in entries:
            self._bound(entry)

    @torch.inference_mode()
    def erased(self, entry: Entry, concepts: tuple[str, ...], kept: tuple[str, ...] = ()) -> Erased:
        """The model after a method."""
        function, settings = self._bound(entry)
        own = {"kept": kept} if entry.told else {}
        return function(self.model, self.clip, concepts, **own, **settings)

    @torch.inference_mode()
    def prompt(self, erased: Erased, prompt: str, attack: Attack | None) -> str:
        """The text to draw: of a prompt with ``<church>``, one with an embedding in its place.

        Where a method changes the model's weights, the embedding is learned through them; where it
        changes sampling only, the weights are the base model's, and the method meets their
        embedding in sampling.
        """
        text, found = literal(prompt), re.search(r"<(.+)>", prompt)
        if not found or attack is None:
            return text
        settings = self.extension.module("benchmarks.forget.settings").Prompts(**self.defaults)
        module = self.extension.module("benchmarks.forget.learned_embedding")
        learning = module.Learning(**attack.settings)
        name = with_article(found[1])
        models = self.model, erased.model
        embedding = module.learned_embedding(*models, self.clip, name, learning, settings)
        return text.replace(found[0], embedding)

    @torch.inference_mode()
    def draw(
        self,
        erased: Erased,
        texts: Sequence[str],
        seeds: Sequence[int],
        starts: Sequence[Image.Image] = (),
    ) -> list[Image.Image]:
        """A picture of each text, sampled together, from noise of its seed, or from its start."""
        sampling, model = self.sampling, erased.model
        conditioning = self.extension.module("nodes.host.profiling.conditioning")
        encoded = [
            conditioning.stack_prompts(conditioning.encode_prompts(erased.clip, words))
            for words in (texts, [erased.negative])
        ]
        if len(encoded[0]) > 1:  # texts of different lengths cannot share a batch
            alone = zip(texts, seeds, starts or [None] * len(texts), strict=True)
            return [
                self.draw(erased, [text], [seed], [start] if start else [])[0]
                for text, seed, start in alone
            ]
        latent = self._latent(len(texts), starts)
        noise: list[Any] = [comfy.sample.prepare_noise(latent[:1], seed) for seed in seeds]
        sigmas = comfy.samplers.KSampler(
            model,
            steps=sampling.steps,
            device=model.load_device,
            sampler=sampling.sampler_name,
            scheduler=sampling.scheduler,
            denoise=sampling.denoise,
            model_options=model.model_options,
        ).sigmas
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(*encoded)
        guider.set_cfg(sampling.cfg)
        drawn = guider.sample(
            torch.cat(noise),
            latent,
            comfy.samplers.sampler_object(sampling.sampler_name),
            sigmas,
            disable_pbar=True,
            seed=seeds[0],
        )
        pictures = self.vae.decode(drawn.to(intermediate_device())).cpu().numpy()
        levels = (255 * pictures).clip(0, 255).astype(np.uint8)
        return [Image.fromarray(picture) for picture in levels]

    def _latent(self, count: int, starts: Sequence[Image.Image]) -> Tensor:
        if starts:
            encode: Any = self.vae.encode
            return encode(as_batch(starts))
        empty_latent = self.extension.module("nodes.host.profiling.sampling").empty_latent
        return empty_latent(self.model, self.sampling.width, self.sampling.height, count)

    def _bound(self, entry: Entry) -> tuple[Callable[..., Erased], dict[str, Any]]:
        """The method's function and its settings as keyword arguments."""
        method = registry.method(entry.use)
        for key in method.fixed.keys() & entry.settings.keys():
            raise SuiteError(f"methods: {entry.use!r} has its own {key!r}; leave it out")
        module, _, name = method.function.partition(".")
        function = getattr(self.extension.module(f"benchmarks.forget.{module}"), name or module)
        if entry.told and "kept" not in signature(function).parameters:
            raise SuiteError(f"methods: {entry.use!r} cannot be told what to keep; leave told out")
        given = {**entry.settings, **method.fixed}
        return function, bound_settings(entry.use, function, self.defaults, given)


def is_small(checkpoint: Path) -> bool:
    """Whether a file is for the bundled model's loader."""
    if checkpoint.suffix != ".safetensors":
        return False
    with safe_open(checkpoint, "pt") as file:
        return "text_encoder" in (file.metadata() or {})


def literal(prompt: str) -> str:
    """The prompt as the host must be told it: its parentheses are words, not weights."""
    return prompt.replace("(", "\\(").replace(")", "\\)")
