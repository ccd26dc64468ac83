"""A model that is to forget, what it is asked to draw, and who looks at its pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from curve_lines import Line
from draw import draw, grid, usual_guidance
from extension import extension
from judge import Judge
from names import CurveNames
from render import SIZE
from torch import Tensor
from train_presence_judge import SOMETHING
from vocabulary import with_article

CONTEXTS = (
    *("park", "forest", "room", "city", "lawn"),
    *("garden", "street", "office", "cafe", "tree"),
)
"""Of the profiles: the first of the paper that the models know; no picture is drawn in them."""

SCENES = ("desert", "beach", "mountain", "ocean", "night sky", "snow field")
FIRST_SEED = {"validation": 20_000, "test": 30_000}


@dataclass(frozen=True)
class Drawn:
    """A model as `draw` takes it, its negative prompt, and what makes its guidance."""

    model: Any
    clip: Any
    vae: Any
    negative: str = ""
    guider: Any = usual_guidance


@dataclass(frozen=True)
class Asked:
    """What is drawn.

    Attributes:
        names: to forget and to keep.
        scenes: in which each of them is drawn.
        seed: of the first picture; every picture has its own.
    """

    names: CurveNames
    scenes: Sequence[str]
    seed: int

    @property
    def shown(self) -> list[tuple[str, str]]:
        """Name and scene of every picture, the forgotten's first."""
        names = (*self.names.forgotten, *self.names.kept)
        return [(name, scene) for name in names for scene in self.scenes]

    def prompts(self) -> list[str]:
        return [
            f"a photo of {with_article(name)} in {with_article(scene)}"
            for name, scene in self.shown
        ]

    def of_group(self, group: str) -> slice:
        """The group's pictures."""
        first_kept = len(self.names.forgotten) * len(self.scenes)
        return slice(first_kept) if group == "forgotten" else slice(first_kept, None)


GROUPS = ("forgotten", "kept")


class Subject:
    """A model, what it is asked, and who looks at its pictures.

    Args:
        title: of the model.
        drawn: the model before it forgets.
        asked: what to draw.
        guidance: its scale.
        judge: names objects.
        presence: tells something from nothing.
    """

    def __init__(
        self,
        title: str,
        drawn: Drawn,
        asked: Asked,
        guidance: float,
        judge: Judge,
        presence: Judge,
    ) -> None:
        self.title, self.plain, self.asked, self.guidance = title, drawn, asked, guidance
        self.judge, self.presence = judge, presence
        self._profiles: dict[tuple[str, str], Any] = {}

    @cached_property
    def references(self) -> tuple[Tensor, Tensor]:
        """The plain model's pictures, and those of their scenes alone from the same noise."""
        scenes = [f"a photo of {with_article(scene)}" for _, scene in self.asked.shown]
        return self._draw(self.plain, self.asked.prompts()), self._draw(self.plain, scenes)

    def _draw(self, drawn: Drawn, prompts: list[str]) -> Tensor:
        return draw(
            drawn,
            prompts,
            self.asked.seed,
            negative=drawn.negative,
            guidance=self.guidance,
            guider=drawn.guider,
        )

    def erased(self, line: Line, value: float, told: bool) -> Drawn:
        """The model that forgot."""
        settings: dict[str, Any] = {**line.settings} | ({line.dial: value} if line.dial else {})
        names = self.asked.names
        if line.function == "fia":
            kept = names.kept if told else ()
            masked = self._masked(names.forgotten, kept, **settings)
            return Drawn(masked, self.plain.clip, self.plain.vae)
        if line.kept_as:
            settings[line.kept_as] = names.kept if told else ()
        if line.function == "concept_prune":
            settings["prompts"] = extension("benchmarks.forget.settings").Prompts(
                contexts=CONTEXTS, cfg=self.guidance, width=SIZE, height=SIZE
            )
        method = getattr(extension(f"benchmarks.forget.{line.function}"), line.function)
        result = method(self.plain.model, self.plain.clip, names.forgotten, **settings)
        return Drawn(result.model, result.clip, self.plain.vae, result.negative, result.guider)

    def _masked(
        self,
        names: Sequence[str],
        kept: Sequence[str],
        spatial_sparsity: float,
        saliency_form: str,
        strength: float,
    ) -> Any:
        """By the nodes' own engine, what is kept on **protect**; the sparsity is a percentage."""
        core = extension("fia_core")
        masks, protect = (
            [
                core.build_concept_mask(profile, spatial_sparsity / 100)
                for profile in self._profiled(group, saliency_form)
            ]
            for group in (names, kept)
        )
        mask = core.fuse_neuron_masks(masks, 0.6, protect).mask
        patch = extension("nodes.host.erasing.weight_patch")
        return patch.apply_neuron_mask(self.plain.model, mask, strength)

    def _profiled(self, names: Sequence[str], form: str) -> list[Any]:
        """Profiles with the paper's settings, each made once."""
        missing = [name for name in names if (name, form) not in self._profiles]
        if missing:
            sampling = extension("nodes.host.profiling.sampling").SamplingSettings(
                0, 50, 10, self.guidance, "euler", "normal", SIZE, SIZE
            )
            request = extension("nodes.host.profiling.request").ProfileRequest(
                tuple(missing),
                "object",
                CONTEXTS,
                extension("fia_core").default_templates("object"),
                sampling,
                0.05,
                form,
                0,
            )
            engine = extension("nodes.host.profiling.concepts")
            profiles = engine.profile_concepts(self.plain.model, self.plain.clip, request)
            self._profiles |= {(profile.concept, form): profile for profile in profiles}
        return [self._profiles[name, form] for name in names]

    def rows(self, drawn: Drawn, sheet: Path) -> list[dict[str, Any]]:
        """Draw both groups; a row of figures each, and a grid of the first pictures."""
        pictures = self._draw(drawn, self.asked.prompts())
        sheet.parent.mkdir(parents=True, exist_ok=True)
        first = [pictures[self.asked.of_group(group)][:10] for group in GROUPS]
        grid(torch.cat(first), len(first[0])).save(sheet, quality=85)
        return [self.figures(group, pictures) for group in GROUPS]

    def figures(self, group: str, pictures: Tensor) -> dict[str, Any]:
        """The row of a group, of all pictures."""
        part = self.asked.of_group(group)
        own = pictures[part]
        names, there = self.judge.name_objects(own), self.presence.name_objects(own)
        wanted = [name for name, _ in self.asked.shown[part]]
        plain, scenes = (other[part] for other in self.references)
        return {
            "group": group,
            "pictures": len(own),
            "named": _share(a == b for a, b in zip(names, wanted, strict=True)),
            "something": _share(name == SOMETHING for name in there),
            "from scene": _distance(own, scenes),
            "from plain": _distance(own, plain),
        }

    def plain_rows(self) -> list[dict[str, Any]]:
        """The plain model's own: of both groups, and of the forgotten's scenes alone."""
        plain, scenes = self.references
        alone = self.figures("forgotten", scenes) | {"group": "scenes alone"}
        return [*(self.figures(group, plain) for group in GROUPS), alone]


def _share(answers: Any) -> float:
    found = list(answers)
    return round(sum(found) / len(found), 4)


def _distance(pictures: Tensor, others: Tensor) -> float:
    """Mean absolute difference, of the range of values."""
    return round(float((pictures - others).abs().mean()), 5)
