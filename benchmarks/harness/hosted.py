"""A suite's model in the host of this process: methods change it, the host's sampler draws with it.

Import it after ``workbench.in_process.load_host``: it needs the host's modules.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

import comfy.sample
import comfy.samplers
import comfy.sd
import comfy.utils
import folder_paths
import numpy as np
import torch
from comfy.model_management import intermediate_device
from comfy.model_patcher import ModelPatcher
from PIL import Image
from torch import Tensor

from demo_model.vocabulary import with_article
from workbench.in_process import Extension

from . import registry
from .binding import bound_settings
from .judge import as_batch
from .sampling import CHECKPOINT, DEMO, DEMO_METHODS, LORA, LORA_STRENGTH, Sampling
from .suite import Attack, Entry, Suite, SuiteError

Erased = Any
"""``Erased`` of ``benchmarks/forget``, under the name that the host gave the extension."""

LATENT_FACTOR = 8  # pixels a latent


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
        """The suite's checkpoint, or the bundled model; sampled as the suite says."""
        parts: Any
        if suite.checkpoint is None:
            parts = extension.module("demo_model.loader").load_demo_model()
            sampling, defaults = DEMO, DEMO_METHODS
        else:
            parts = comfy.sd.load_checkpoint_guess_config(
                str(suite.checkpoint),
                embedding_directory=folder_paths.get_folder_paths("embeddings"),
            )
            sampling, defaults = CHECKPOINT, {}
        model, clip, vae, *_ = parts
        return cls(extension, model, clip, vae, sampling.changed(suite.sampling), defaults)

    def sampled_with(self, given: Mapping[str, Any]) -> "HostedModel":
        """The model with other sampling."""
        return replace(self, sampling=self.sampling.changed(given))

    def check(self, entries: Iterable[Entry]) -> None:
        """Raise SuiteError unless the methods take the settings of ``entries``."""
        for entry in entries:
            self._bound(entry)

    @torch.inference_mode()
    def erased(self, entry: Entry, concepts: tuple[str, ...], kept: tuple[str, ...] = ()) -> Erased:
        """The model after a method; the one with the LoRA where that comes before."""
        function, settings = self._bound(entry)
        filled_in = {"kept": kept, "profiled": self.model}
        own = {key: filled_in[key] for key in signature(function).parameters if key in filled_in}
        model = with_lora(self.model) if self.sampling.lora == "before" else self.model
        return function(model, self.clip, concepts, **own, **settings)

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
        embedding = self.extension.module("benchmarks.forget.learned_embedding").learned_embedding(
            self.model,
            erased.model,
            self.clip,
            with_article(found[1]),
            sampling=settings,
            **attack.settings,
        )
        return text.replace(found[0], embedding)

    @torch.inference_mode()
    def draw(
        self, erased: Erased, text: str, seed: int, start: Image.Image | None = None
    ) -> Image.Image:
        """A picture, from noise or from ``start``."""
        sampling, model = self.sampling, erased.model
        if sampling.lora == "after":
            model = with_lora(model)
        if sampling.dtype:
            fia = self.extension.module("benchmarks.forget.fia")
            model = fia.computing_in(model, sampling.dtype)
        encoded = [
            erased.clip.encode_from_tokens_scheduled(erased.clip.tokenize(words))
            for words in (text, erased.negative)
        ]
        latent = self._latent(start)
        sigmas = comfy.samplers.KSampler(
            model,
            steps=sampling.steps,
            device=model.load_device,
            sampler=sampling.sampler_name,
            scheduler=sampling.scheduler,
            denoise=sampling.denoise,
            model_options=model.model_options,
        ).sigmas
        drawn = erased.guider(model, *encoded, sampling.cfg).sample(
            comfy.sample.prepare_noise(latent, seed),
            latent,
            comfy.samplers.sampler_object(sampling.sampler_name),
            sigmas,
            disable_pbar=True,
            seed=seed,
        )
        picture = self.vae.decode(drawn.to(intermediate_device()))[0]
        return Image.fromarray((255 * picture.cpu().numpy()).clip(0, 255).astype(np.uint8))

    def _latent(self, start: Image.Image | None) -> Tensor:
        if start is not None:
            encode: Any = self.vae.encode
            return encode(as_batch([start]))
        size = (self.sampling.height // LATENT_FACTOR, self.sampling.width // LATENT_FACTOR)
        empty = torch.zeros(1, 4, *size, device=intermediate_device())
        return comfy.sample.fix_empty_latent_channels(self.model, empty)

    def _bound(self, entry: Entry) -> tuple[Callable[..., Erased], dict[str, Any]]:
        """The method's function and its settings as keyword arguments."""
        method = registry.method(entry.use)
        for key in method.fixed.keys() & entry.settings.keys():
            raise SuiteError(f"methods: {entry.use!r} has its own {key!r}; leave it out")
        module, _, name = method.function.partition(".")
        function = getattr(self.extension.module(f"benchmarks.forget.{module}"), name or module)
        given = {**entry.settings, **method.fixed}
        return function, bound_settings(entry.use, function, self.defaults, given)


def literal(prompt: str) -> str:
    """The prompt as the host must be told it: its parentheses are words, not weights."""
    return prompt.replace("(", "\\(").replace(")", "\\)")


def with_lora(model: ModelPatcher) -> ModelPatcher:
    """A clone with the benchmarks' LoRA."""
    lora = comfy.utils.load_torch_file(str(LORA), safe_load=True)
    loaded: Any = comfy.sd.load_lora_for_models(model, None, lora, LORA_STRENGTH, 0)[0]
    return loaded
