"""A suite's model in the host of this process: methods change it, the host's sampler draws with it.

Import it after ``workbench.in_process.load_host``: it needs the host's modules.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, get_type_hints

import comfy.sample
import comfy.samplers
import comfy.sd
import folder_paths
import numpy as np
import torch
from comfy.model_management import intermediate_device
from comfy.model_patcher import ModelPatcher
from PIL import Image
from pydantic import BaseModel, ValidationError, create_model
from safetensors import safe_open

from workbench.in_process import Extension

from . import registry
from .judge import as_batch
from .sampling import CHECKPOINT, DEMO, DEMO_METHODS, Sampling
from .suite import Entry, Suite, SuiteError

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
    def draw(
        self,
        erased: Erased,
        texts: Sequence[str],
        seeds: Sequence[int],
        starts: Sequence[Image.Image] = (),
    ) -> list[Image.Image]:
        """A picture of each text, sampled together, from noise of its seed, or from its start.

        Brackets in texts are words and no weights.
        """
        sampling, model = self.sampling, erased.model
        conditioning = self.extension.module("nodes.host.denoising.conditioning")
        encoded = [
            conditioning.stack_prompts(conditioning.encode_prompts(erased.clip, words))
            for words in ([*map(_as_words, texts)], [_as_words(erased.negative)])
        ]
        if len(encoded[0]) > 1:  # texts of different lengths cannot share a batch
            alone = zip(texts, seeds, starts or [None] * len(texts), strict=True)
            return [
                self.draw(erased, [text], [seed], [start] if start else [])[0]
                for text, seed, start in alone
            ]
        if starts:
            encode: Any = self.vae.encode
            latent = encode(as_batch(starts))
        else:
            empty = self.extension.module("nodes.host.denoising.denoise").empty_latent
            latent = empty(self.model, sampling.width, sampling.height, len(texts))
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


def bound_settings(
    name: str,
    function: Callable[..., Any],
    defaults: Mapping[str, Any],
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """Keyword arguments of a method: ``given``, then ``defaults``, then the signature's own.

    A parameter that is a pydantic model takes the settings that are its fields.

    Raises:
        SuiteError: the signature has no such setting, or another type.
    """
    groups: dict[str, type[BaseModel]] = {}
    fields: dict[str, Any] = {}
    hints = get_type_hints(function, include_extras=True)
    for key, parameter in signature(function).parameters.items():
        if parameter.kind is not Parameter.KEYWORD_ONLY or key == "kept":
            continue
        if isinstance(hints[key], type) and issubclass(hints[key], BaseModel):
            groups[key] = hints[key]
            for own, info in hints[key].model_fields.items():
                fields[own] = (info.annotation, info)
        else:
            fields[key] = (hints[key], parameter.default)
    for key in given:
        if key not in fields:
            known = ", ".join(sorted(fields)) or "none"
            raise SuiteError(f"methods: {name!r} has no setting {key!r}; it has {known}")
    form = create_model("Settings", **fields)
    try:
        settings = dict(form(**{**defaults, **given}))
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"][:1]))
        message = wrong["msg"].removeprefix("Value error, ")
        raise SuiteError(f"methods: {name!r}: {where}: {message}") from None
    for key, group in groups.items():
        own = {field: settings.pop(field) for field in group.model_fields}
        settings[key] = group(**own)
    return settings


def _as_words(text: str) -> str:
    return text.replace("(", "\\(").replace(")", "\\)")
