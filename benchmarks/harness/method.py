"""What a method is: a file of ``benchmarks/methods`` that builds its part of a graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from workbench.graph import ApiGraph, copy_with_sources, only_node

from .lora import LORA_NODE

Link = list[Any]
"""``[node id, output slot]``."""

Kind = Literal["base", "ours", "peer", "trained peer", "ablation"]


class Draft:
    """A graph that grows."""

    def __init__(self, nodes: ApiGraph) -> None:
        self.nodes = nodes

    def add(self, class_type: str, **inputs: Any) -> Link:
        """A new node; a link to its first output."""
        name = f"{class_type} {len(self.nodes)}"
        self.nodes[name] = {"class_type": class_type, "inputs": inputs}
        return [name, 0]


@dataclass(frozen=True)
class Setup:
    """What methods build on, taken from the demo workflow.

    Attributes:
        nodes: that make the model, the text encoder, the VAE and the empty negative prompt.
        model, clip, vae, negative: links into them; the model is the one that is to draw.
        profiled: link to the model that masks are made from: without what a condition adds to it.
        last: nodes, with their settings, that a model goes through when it has forgotten.
        sampler: KSampler's settings: steps, cfg, sampler_name, scheduler, denoise.
        latent: EmptyLatentImage's inputs, one picture.
        defaults: the settings of Profile Concept, Build Concept Mask, Fuse Masks and Apply Neuron
            Mask, by the node's class.
    """

    nodes: ApiGraph
    model: Link
    clip: Link
    vae: Link
    negative: Link
    sampler: Mapping[str, Any]
    latent: Mapping[str, Any]
    defaults: Mapping[str, Mapping[str, Any]]
    profiled: Link
    last: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    @classmethod
    def of_workflow(cls, workflow: ApiGraph) -> "Setup":
        """The parts of the demo workflow."""
        _, apply = only_node("FIAApplyNeuronMask", workflow)
        sampler = next(node for node in workflow.values() if node["class_type"] == "KSampler")
        decoder = next(node for node in workflow.values() if node["class_type"] == "VAEDecode")
        model, vae = apply["inputs"]["model"], decoder["inputs"]["vae"]
        clip = workflow[sampler["inputs"]["positive"][0]]["inputs"]["clip"]
        negative = sampler["inputs"]["negative"]
        nodes: ApiGraph = {}
        for link in (model, clip, vae, negative):
            copy_with_sources(link[0], workflow, nodes)
        latent = workflow[sampler["inputs"]["latent_image"][0]]["inputs"]
        return cls(
            nodes=nodes,
            model=model,
            clip=clip,
            vae=vae,
            negative=negative,
            sampler={key: sampler["inputs"][key] for key in SAMPLER_SETTINGS},
            latent=latent | {"batch_size": 1},
            defaults={name: _settings(name, workflow) for name in METHOD_NODES},
            profiled=model,
        )

    def sampled_with(self, sampling: Mapping[str, Any]) -> "Setup":
        """This method with other settings of the sampler, another picture size, or a changed model.

        Args:
            sampling: by name; "dtype" is what the denoiser computes in, "lora" says whether the
                benchmarks' LoRA is loaded "before" or "after" a model forgets.

        Raises:
            ValueError: an unknown setting.
        """
        known = (*self.sampler, "width", "height", "dtype", "lora")
        for key in sampling:
            if key not in known:
                raise ValueError(f"sampling: {key!r} is unknown; known are {', '.join(known)}")
        size = {key: sampling[key] for key in ("width", "height") if key in sampling}
        sampler = {key: value for key, value in sampling.items() if key in self.sampler}
        setup = replace(self, sampler={**self.sampler, **sampler}, latent={**self.latent, **size})
        if "dtype" in sampling:
            setup = setup._drawn_through("ModelComputeDtype", {"dtype": sampling["dtype"]})
        if sampling.get("lora") == "before":
            setup = setup._drawn_through(*LORA_NODE)
        elif sampling.get("lora") == "after":
            setup = replace(setup, last=(*setup.last, LORA_NODE))
        elif "lora" in sampling:
            raise ValueError(f'lora: is {sampling["lora"]!r}; write "before" or "after"')
        return setup

    def _drawn_through(self, class_type: str, settings: Mapping[str, Any]) -> "Setup":
        """This method with one more node before the model that draws."""
        node = {"class_type": class_type, "inputs": {"model": self.model, **settings}}
        return replace(self, nodes={**self.nodes, class_type: node}, model=[class_type, 0])

    def draft(self) -> Draft:
        """A new graph that holds ``nodes``."""
        return Draft(
            {id: node | {"inputs": dict(node["inputs"])} for id, node in self.nodes.items()}
        )


SAMPLER_SETTINGS = ("steps", "cfg", "sampler_name", "scheduler", "denoise")
CONCEPTS = "concepts"  # Profile Concept's field that every group fills in
METHOD_NODES = ("FIAProfileConcept", "FIABuildConceptMask", "FIAFuseMasks", "FIAApplyNeuronMask")


def _settings(class_type: str, workflow: ApiGraph) -> dict[str, Any]:
    _, node = only_node(class_type, workflow)
    inputs = node["inputs"].items()
    return {key: value for key, value in inputs if key != CONCEPTS and not isinstance(value, list)}


Sample = Callable[[Draft, Setup, "Branch", Link, Link, int], Link]
"""(draft, setup, branch, positive, latent, seed) → link to the sampled latent."""


def ksampler(
    draft: Draft, setup: Setup, branch: "Branch", positive: Link, latent: Link, seed: int
) -> Link:
    """The host's KSampler."""
    return draft.add(
        "KSampler",
        model=branch.model,
        positive=positive,
        negative=branch.negative,
        latent_image=latent,
        seed=seed,
        **setup.sampler,
    )


@dataclass(frozen=True)
class Branch:
    """What a method gives the pictures.

    Attributes:
        model: what samples.
        negative: the negative prompt's conditioning.
        sample: draws one picture.
        mask: the neuron mask, where the method has one; it is kept beside the pictures.
    """

    model: Link
    negative: Link
    sample: Sample = ksampler
    mask: Link | None = None


Build = Callable[[Draft, Setup, tuple[str, ...], Mapping[str, Any]], Branch]
"""(draft, setup, concepts to forget, settings) → what to draw with."""


@dataclass(frozen=True)
class Method:
    """A way to forget.

    Attributes:
        title: for people.
        kind: "base" changes nothing; "ours" is the project; "peer" needs no training and "trained
            peer" does; "ablation" is a variant of the method.
        build: adds its nodes to a graph.
        settings: names that ``build`` understands.
        packs: folders in ``benchmarks`` that hold its nodes.
    """

    title: str
    kind: Kind
    build: Build
    settings: frozenset[str] = field(default_factory=frozenset)
    packs: tuple[str, ...] = ()
