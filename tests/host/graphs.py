"""Run graphs in the host: its own validation, its own executor, its own messages."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

import execution
import server
from comfy import model_management
from comfy.comfy_types.node_typing import IO
from comfy.model_patcher import ModelPatcher
from tiny_model import TinyModel
from torch import Tensor

import nodes

Graph = dict[str, dict[str, Any]]


class GraphError(Exception):
    """A graph that the host refused or that failed; the text is the host's message."""


class Source:
    """A node that gives what a test put in, under a number."""

    values: ClassVar[dict[int, Any]] = {}

    RETURN_TYPES = (IO.ANY,)
    FUNCTION = "run"
    CATEGORY = "test"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"number": ("INT", {"default": 0})}}

    def run(self, number: int) -> tuple[Any]:
        return (self.values[number],)


class Sink:
    """An output node that keeps what arrives, a list."""

    received: ClassVar[list[Any]] = []
    runs = 0

    RETURN_TYPES = ()
    OUTPUT_NODE = True
    INPUT_IS_LIST = True
    FUNCTION = "run"
    CATEGORY = "test"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"value": (IO.ANY, {})}}

    @classmethod
    def IS_CHANGED(cls, value: Any) -> int:
        cls.runs += 1  # never answered from the host's cache
        return cls.runs

    def run(self, value: list[Any]) -> dict[str, Any]:
        Sink.received = value
        return {}


def node(kind: str, /, **inputs: Any) -> dict[str, Any]:
    """A node of a graph: its type, and its inputs' values and links."""
    return {"class_type": kind, "inputs": inputs}


class Host:
    """The host's executor, with a server that nobody is connected to."""

    def __init__(self) -> None:
        nodes.NODE_CLASS_MAPPINGS["TestSource"] = Source
        nodes.NODE_CLASS_MAPPINGS["TestSink"] = Sink
        cache: Any = execution.CacheType.CLASSIC
        self.executor = execution.PromptExecutor(
            server.PromptServer(asyncio.new_event_loop()),
            cache,
            {"lru": 0, "ram": 0, "ram_inactive": 0},
        )

    def source(self, value: Any) -> dict[str, Any]:
        """A graph node that gives ``value``."""
        number = len(Source.values)
        Source.values[number] = value
        return node("TestSource", number=number)

    def run(self, graph: Graph, of: str, output: int = 0) -> list[Any]:
        """Run ``graph`` and return what an output of the node ``of`` gave, as a list.

        Raises:
            GraphError: with the message that the page would show.
        """
        Sink.received = []
        self.run_outputs({**graph, "sink": node("TestSink", value=[of, output])})
        return Sink.received

    def run_outputs(self, graph: Graph) -> None:
        """Run a graph that has output nodes of its own."""
        prompt_id = uuid.uuid4().hex
        valid, error, outputs, node_errors = asyncio.run(
            execution.validate_prompt(prompt_id, graph, None)
        )
        if not valid:
            raise GraphError(f"{error} {node_errors}")
        self.executor.execute(graph, prompt_id, execute_outputs=outputs)
        event, data = self.executor.status_messages[-1]
        if event != "execution_success":
            raise GraphError(f"{event}: {data.get('exception_message')}")

    def run_node(self, kind: str, /, output: int = 0, **inputs: Any) -> list[Any]:
        """Run one node afresh; what an output of it gave.

        Args:
            kind: its type.
            output: which of its outputs.
            inputs: numbers, texts and switches are written in it; other values, and those that
                ``source`` gives, come by wire.
        """
        graph: Graph = {"node": node(kind)}
        for name, value in inputs.items():
            if isinstance(value, str | int | float):
                graph["node"]["inputs"][name] = value
            else:
                sent = isinstance(value, dict) and "class_type" in value
                graph[name] = value if sent else self.source(value)
                graph["node"]["inputs"][name] = [name, 0]
        self.forget()
        return self.run(graph, "node", output)

    def forget(self) -> None:
        """Empty the host's cache, so that the same graph runs again.

        Clones that die with it leave entries in the host's list of loaded models, and while one is
        there it collects all garbage at every load: they go, too.
        """
        self.executor.reset()
        loaded = model_management.current_loaded_models
        loaded[:] = [model for model in loaded if not model.is_dead()]


PROFILE_INPUTS = {
    "concepts": "church",
    "kind": "object",
    "contexts": "road\nforest\nbeach\nroom",
    "concept_templates": "",
    "base_template": "",
    "seed": 7,
    "steps": 10,
    "profile_steps": 3,
    "cfg": 4.0,
    "sampler": "euler",
    "scheduler": "normal",
    "width": 64,
    "height": 64,
    "batch_size": 3,
    "temporal_sparsity": 5.0,
    "saliency_form": "exact",
    "use_cache": False,
}


FORGET_INPUTS = {
    "concepts": "church",
    "instead": "",
    "keep": "",
    "amount": 10.0,  # in a model that was never trained, concepts hardly differ
    "kind": "object",
    "rank": 0,
}


QUICK = {"contexts": "road\nforest", "profile_steps": 1}
"""Of a profile whose size does not matter: 4 prompts, 1 step."""


def profile_graph(host: Host, model: Any, clip: Any, **inputs: Any) -> Graph:
    """Profile Concept ("profile") and Build Concept Mask ("mask") on a model."""
    return {
        "model": host.source(model),
        "clip": host.source(clip),
        "profile": node(
            "FIAProfileConcept",
            **{"model": ["model", 0], "clip": ["clip", 0], **PROFILE_INPUTS, **inputs},
        ),
        "mask": node(
            "FIABuildConceptMask", profile=["profile", 0], spatial_sparsity=3.0, granularity="both"
        ),
    }


def profiled(host: Host, model: Any, clip: Any, **inputs: Any) -> Any:
    """The first profile of a graph that runs afresh."""
    host.forget()
    return host.run(profile_graph(host, model, clip, **inputs), "profile")[0]


def watched(model: ModelPatcher, see: Callable[[dict[str, Any]], object]) -> ModelPatcher:
    """A clone whose denoiser lets ``see`` look at every call first."""

    # a function and no method: clones copy what methods belong to
    def run(apply_model: Callable[..., Any], call: Any) -> Tensor:
        see(call)
        return apply_model(call["input"], call["timestep"], **call["c"])

    clone = model.clone()
    clone.set_model_unet_function_wrapper(run)
    return clone


def fuse_node() -> dict[str, Any]:
    """Fuse Masks of all masks that the node "mask" gives."""
    return node("FIAFuseMasks", masks=["mask", 0], agnostic_ratio=60.0)


def apply_node(model: str = "model", mask: str = "mask", strength: float = 1.0) -> dict[str, Any]:
    """Apply Neuron Mask on what these nodes give."""
    return node("FIAApplyNeuronMask", model=[model, 0], mask=[mask, 0], strength=strength)


def picture_graph(model_link: list[Any]) -> Graph:
    """An ordinary text-to-image graph ("picture") after a model; needs "clip" and "vae"."""
    return {
        "positive": node("CLIPTextEncode", text="a church in a park", clip=["clip", 0]),
        "negative": node("CLIPTextEncode", text="", clip=["clip", 0]),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "sampler": node(
            "KSampler",
            model=model_link,
            positive=["positive", 0],
            negative=["negative", 0],
            latent_image=["latent", 0],
            seed=3,
            steps=2,
            cfg=4.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "picture": node("VAEDecode", samples=["sampler", 0], vae=["vae", 0]),
    }


def sources(host: Host, parts: TinyModel, model: ModelPatcher | None = None) -> Graph:
    """The three nodes that ``picture_graph`` needs, perhaps with another denoiser."""
    given = {"model": model or parts.model, "clip": parts.clip, "vae": parts.vae}
    return {name: host.source(value) for name, value in given.items()}


def draw(host: Host, parts: TinyModel, model: ModelPatcher | None = None) -> Tensor:
    """A picture by an ordinary graph, perhaps with another denoiser."""
    host.forget()
    graph = {**sources(host, parts, model), **picture_graph(["model", 0])}
    return host.run(graph, "picture")[0].clone()
