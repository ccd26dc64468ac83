"""Wrong input, errors and interrupts: a message that names input and mend, and no trace left."""

import itertools
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import comfy.k_diffusion.sampling
import comfy.model_management
import comfy.utils
import pytest
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from graphs import QUICK, GraphError, draw, node, profile_graph, watched
from tiny_model import UNET, TinyModel, tiny_denoiser, tiny_sd, tiny_text_encoder

import nodes


@pytest.fixture(scope="module")
def plain_picture(host: Any, extension: Any) -> torch.Tensor:
    """What a model draws that has never met this extension, as in a fresh server."""
    with torch.inference_mode():
        return draw(host, tiny_sd())


@pytest.fixture(autouse=True)
def no_trace(
    host: Any, extension: Any, tiny: TinyModel, plain_picture: torch.Tensor
) -> Iterator[None]:
    """After every test: nothing is hooked, and the next picture is the plain one, bit for bit."""
    yield
    layers = extension.module("nodes.host.model.layers").find_ffn2_layers(tiny.model)
    assert not any(layer._forward_hooks for layer in layers.values())
    assert not tiny.model.wrappers and not tiny.model.patches
    assert torch.equal(draw(host, tiny), plain_picture)


def refused(host: Any, model: Any, clip: Any, **inputs: Any) -> str:
    """The message with which the host refuses a profile."""
    host.forget()
    with pytest.raises(GraphError) as error:
        host.run(profile_graph(host, model, clip, **inputs), "profile")
    return str(error.value)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"concepts": " \n\t\n"}, ("concepts", "Write at least one")),
        ({"concepts": "cat\nchurch\nCat "}, ("concepts", "'Cat'", "twice", "Leave one")),
        ({"concepts": "golf ball\ngolf  ball"}, ("concepts", "golf  ball", "twice")),
        ({"contexts": " \n"}, ("contexts", "Write one a line")),
        ({"contexts": "road"}, ("contexts", "at least 2")),
        ({"contexts": "road\nbeach\nRoad"}, ("contexts", "'Road'", "twice")),
        ({"profile_steps": 11}, ("profile_steps", "11", "10", "Lower profile_steps")),
        ({"concept_templates": "a {context}"}, ("concept_templates: ", "{concept}")),
        ({"base_template": "a {concept} in a {context}"}, ("base_template: ", "{context}")),
        (
            {**QUICK, "sampler": "dpm_adaptive", "profile_steps": 10, "batch_size": 4},
            ("sampler", "dpm_adaptive", "euler"),
        ),
        ({"temporal_sparsity": 0.0}, ("temporal_sparsity", "0.1")),
        ({"seed": -1}, ("seed", "-1")),
    ],
)
def test_wrong_inputs_of_profile_concept(
    host: Any, tiny: TinyModel, inputs: dict[str, Any], words: tuple[str, ...]
) -> None:
    message = refused(host, tiny.model, tiny.clip, **inputs)
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("profile_steps", -1), ("batch_size", -1), ("width", 4)),
        *(("temporal_sparsity", 0.0), ("cfg", float("nan"))),
    ],
)
def test_a_number_by_wire_is_held_to_its_dialogs_range(
    host: Any, tiny: TinyModel, name: str, value: float
) -> None:
    """The host checks those that are written in the node."""
    host.forget()
    graph = profile_graph(host, tiny.model, tiny.clip, **{name: ["number", 0]})
    with pytest.raises(GraphError, match=f"{name}: is .*; give .*a number from"):
        host.run(graph | {"number": host.source(value)}, "profile")


@pytest.mark.parametrize("value", [float("nan"), -1.0, 5.0])
@pytest.mark.parametrize(
    "kind", ["FIAApplyNeuronMask", "FIACreateErasureHook", "FIASaveErasureLora"]
)
def test_a_strength_by_wire_is_held_to_its_range(
    host: Any, tiny: TinyModel, mask: Any, kind: str, value: float
) -> None:
    model = {} if kind == "FIACreateErasureHook" else {"model": tiny.model}
    prefix = {"filename_prefix": "never"} if kind == "FIASaveErasureLora" else {}
    with pytest.raises(GraphError, match=r"strength: is .*; give a number from 0 to 2"):
        host.run_node(kind, **model, **prefix, mask=mask, strength=host.source(value))


def test_percentages_by_wire_are_refused_as_percentages(
    host: Any, tiny: TinyModel, mask: Any
) -> None:
    host.forget()
    graph = profile_graph(host, tiny.model, tiny.clip, **QUICK) | {"number": host.source(15.0)}
    graph["mask"]["inputs"]["spatial_sparsity"] = ["number", 0]
    with pytest.raises(GraphError, match=r"spatial_sparsity: is 15; give a number .* to 10"):
        host.run(graph, "mask")
    with pytest.raises(GraphError, match=r"agnostic_ratio: is 0\.6; give a number from 1 to 100"):
        host.run_node("FIAFuseMasks", masks=mask, agnostic_ratio=host.source(0.6))


@pytest.mark.parametrize(
    ("name", "value"),
    [("kind", "person"), ("sampler", "eular"), ("scheduler", "none"), ("saliency_form", "best")],
)
def test_a_choice_that_there_is_not(host: Any, tiny: TinyModel, name: str, value: str) -> None:
    """Newer hosts refuse it themselves."""
    message = refused(host, tiny.model, tiny.clip, **{name: value})
    assert f"{name}: " in message and value in message
    assert "choose one of" in message or "value_not_in_list" in message


def test_a_checkpoint_without_a_text_encoder(host: Any, tiny: TinyModel) -> None:
    message = refused(host, tiny.model, None)
    assert "clip: None" in message and "Load CLIP" in message


def test_a_concept_in_no_known_word(host: Any, tiny: TinyModel) -> None:
    message = refused(host, tiny.model, knowing(tiny, "church"), concepts="church\nzxqv\nvqxz")
    assert "concepts" in message and "'zxqv', 'vqxz'" in message and "spelling" in message
    assert "'church'" not in message


def test_a_concept_of_one_known_word_is_enough(host: Any, tiny: TinyModel) -> None:
    host.forget()
    graph = profile_graph(
        host, tiny.model, knowing(tiny, "church"), concepts="zxqv church", profile_steps=1
    )
    assert host.run(graph, "profile")


def test_an_encoder_that_is_not_loaded_knows_no_word(extension: Any) -> None:
    """Some families do without one of theirs, and still have its tokenizer."""

    def tokenize(text: str) -> dict[str, Any]:
        tokens = [[(0, 1.0), (1, 1.0)]] if text else [[(0, 1.0)]]
        return {"t5xxl": tokens, "l": tokens}

    embedding = SimpleNamespace(weight=torch.eye(2))
    encoder = SimpleNamespace(get_input_embeddings=lambda: embedding)
    both = SimpleNamespace(t5xxl=None, clip_l=SimpleNamespace(transformer=encoder))
    clip = SimpleNamespace(tokenize=tokenize, cond_stage_model=both)
    require_known_words = extension.module("nodes.host.denoising.words").require_known_words
    require_known_words(clip, ("church",))
    both.clip_l = None
    with pytest.raises(ValueError, match="knows no word of 'church'"):
        require_known_words(clip, ("church",))


def test_a_textual_inversion_is_a_known_word(extension: Any) -> None:
    """The tokenizer gives its vector, which the encoder takes as it is."""
    vector = torch.ones(2)
    clip = SimpleNamespace(
        tokenize=lambda text: {"l": [[(vector if text else 0, 1.0)]]}, cond_stage_model=None
    )
    extension.module("nodes.host.denoising.words").require_known_words(clip, ("embedding:church",))


def knowing(tiny: TinyModel, words: str) -> Any:
    """A text encoder whose embedding holds zeros except for some words."""
    clip = tiny_text_encoder()
    embedding = clip.cond_stage_model.clip_l.transformer.get_input_embeddings().weight
    known = {token for token, _ in clip.tokenize(words)["l"][0]}
    unknown = torch.ones(len(embedding), dtype=torch.bool)
    unknown[list(known)] = False
    embedding.data[unknown] = 0
    return clip


def without_ffn2() -> ModelPatcher:
    depths = {"transformer_depth": [0, 0], "transformer_depth_output": [0, 0, 0, 0]}
    return tiny_denoiser(**{**UNET, **depths, "transformer_depth_middle": -1})


def wrapped(run: Callable[..., Any], place: str = WrappersMP.DIFFUSION_MODEL) -> ModelPatcher:
    """A model with another node's function around its denoiser."""
    model = tiny_denoiser()
    model.add_wrapper_with_key(place, "of another node", run)
    return model


def skipping() -> ModelPatcher:
    calls = itertools.count()

    def skip(executor: Any, x: torch.Tensor, *rest: Any, **options: Any) -> torch.Tensor:
        return x * 0 if next(calls) == 0 else executor(x, *rest, **options)

    return wrapped(skip)


def splitting(executor: Any, x: Any, timesteps: Any, context: Any, *rest: Any) -> torch.Tensor:
    parts = zip(x.split(1), timesteps.split(1), context.split(1), strict=True)
    return torch.cat([executor(*part, *rest) for part in parts])


LAST_FF = "diffusion_model.output_blocks.3.1.transformer_blocks.0.ff"


def joined() -> ModelPatcher:
    """As a host does that joins layers to one kernel."""
    model = tiny_denoiser()
    block: Any = model.model.get_submodule(LAST_FF)
    first, _, last = block.net
    block.forward = lambda x: torch.nn.functional.linear(first(x), last.weight, last.bias)
    return model


MODELS: dict[str, tuple[Callable[[], ModelPatcher], tuple[str, ...]]] = {
    "without FFN2": (without_ffn2, ("SD15 has no FFN2 layers", "Stable Diffusion")),
    "skips its work": (
        lambda: wrapped(lambda executor, x, *rest, **options: x * 0),
        ("diffusion_model.", "ran for 0 prompts instead of 8", "skips steps (as EasyCache does)"),
    ),
    "skips some": (
        skipping,
        ("ran for 5 prompts instead of 8", "skip or split the denoiser's work"),
    ),
    "splits the batch": (
        lambda: wrapped(splitting),
        ("ran for 1 prompts where the host gave the denoiser 3",),
    ),
    "does not call a layer": (
        joined,
        (f"{LAST_FF}.net.2 ran for 0 prompts instead of 8", "without calling it"),
    ),
    "is replaced": (
        lambda: wrapped(
            lambda executor, model, conds, x, *rest: [torch.zeros_like(x) for _ in conds],
            WrappersMP.CALC_COND_BATCH,
        ),
        ("the host never called the denoiser the usual way", "without that node"),
    ),
    "computes NaN": (
        lambda: wrapped(lambda run, x, *rest, **options: run(x * float("nan"), *rest, **options)),
        ("diffusion_model.", "computed NaN or infinity", "--force-fp32"),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_cannot_be_profiled(host: Any, tiny: TinyModel, name: str) -> None:
    make, words = MODELS[name]
    model = make()
    message = refused(host, model, tiny.clip, cfg=1.0)
    for word in ("model: ", *words):
        assert word in message
    assert not any(module._forward_hooks for module in model.model.modules())


def let_euler_see(monkeypatch: pytest.MonkeyPatch, levels: list[int]) -> None:
    """Some of the schedule's noise levels only."""
    euler = comfy.k_diffusion.sampling.sample_euler

    def sample(model: Any, x: torch.Tensor, sigmas: torch.Tensor, **options: Any) -> Any:
        return euler(model, x, sigmas[levels], **options)

    monkeypatch.setattr(comfy.k_diffusion.sampling, "sample_euler", sample)


@pytest.mark.parametrize(("levels", "step"), [([0, 1, 2], 3), ([0, 2, 3], 2)])
def test_a_sampler_that_leaves_a_step_out_is_refused_there(
    host: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch, levels: list[int], step: int
) -> None:
    let_euler_see(monkeypatch, levels)
    watched = Denoiser(tiny.model, 0, fail)
    message = refused(host, watched.model, tiny.clip, batch_size=8)
    assert f"sampler: euler made no denoiser call in step {step} of 3" in message
    assert watched.calls == step - 1


def test_profiles_of_two_models_fused(host: Any, tiny: TinyModel) -> None:
    other = tiny_denoiser(seed=1)
    graph = profile_graph(host, tiny.model, tiny.clip, profile_steps=1)
    for name, one in profile_graph(host, other, tiny.clip, concepts="cat").items():
        inputs = {key: also(value) for key, value in one["inputs"].items()}
        graph[f"other {name}"] = {**one, "inputs": inputs}
    graph["fuse"] = node(
        "FIAFuseMasks", masks=["mask", 0], masks_2=["other mask", 0], agnostic_ratio=60.0
    )
    with pytest.raises(GraphError, match=r"other weights of one architecture.*of one model") as e:
        host.run(graph, "fuse")
    assert str(e.value).count("fingerprint") == 2


def also(value: Any) -> Any:
    """An input of the second of two like graphs: a link leads to its own nodes."""
    return [f"other {value[0]}", value[1]] if isinstance(value, list) else value


class Denoiser:
    """Counts the denoiser's calls on a clone and does something before one of them."""

    def __init__(self, model: ModelPatcher, at: int, act: Callable[[], None]) -> None:
        self.calls, self.at, self.act = 0, at, act
        self.model = watched(model, self.see)

    def see(self, call: dict[str, Any]) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.act()


def fail() -> None:
    raise RuntimeError("the denoiser broke")


@pytest.mark.parametrize("at", [1, 3, 7], ids=["first call", "first step", "later step"])
def test_an_exception_inside_the_denoiser(host: Any, tiny: TinyModel, at: int) -> None:
    broken = Denoiser(tiny.model, at, fail)
    assert "the denoiser broke" in refused(host, broken.model, tiny.clip)
    assert broken.calls == at


def test_a_layer_that_cannot_be_hooked_leaves_no_other_hooked(
    extension: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    monkeypatch.setattr(second, "register_forward_hook", lambda hook: fail())
    capture = extension.module("nodes.host.denoising.watch").LayerWatch(
        {"first": first, "second": second}, lambda *seen: None, torch.clone
    )
    with pytest.raises(RuntimeError, match="broke"), capture.attached():
        pass
    assert not first._forward_hooks


def test_a_call_that_breaks_is_not_captured_further(extension: Any) -> None:
    layer, seen = host_linear(), []
    capture = extension.module("nodes.host.denoising.watch").LayerWatch(
        {"layer": layer}, lambda *received: seen.append(received), torch.clone
    )
    capture.forward([0])
    with capture.attached():
        with pytest.raises(RuntimeError, match="broke"), capture.prompts(range(1)):
            fail()
        layer(torch.ones(1, 2))
    assert not seen
    assert not {"weight_function", "bias_function"} & set(vars(layer))


def test_the_weights_in_effect_of_one_layer_are_kept_at_a_time(extension: Any) -> None:
    """Those of all would take as much memory as the model. Also where nothing is captured."""
    layers = {"first": host_linear(), "second": host_linear()}
    alive: list[list[bool]] = []
    sizes: list[weakref.ref[torch.Tensor]] = []

    def receive(name: str, prompts: range, x: Any, y: Any, weight: torch.Tensor) -> None:
        sizes.append(weakref.ref(weight))
        alive.append([size() is not None for size in sizes])

    capture = extension.module("nodes.host.denoising.watch").LayerWatch(
        layers, receive, weights=torch.clone
    )
    with capture.attached(), capture.prompts(range(1)):
        for conditional in (1, 0):
            capture.forward([conditional])
            for layer in layers.values():
                layer(torch.ones(1, 2))
        kept = [vars(capture._parameters[name]._now) for name in layers]
        assert not any(value for values in kept for value in values.values())
    assert alive == [[True], [False, True]]


def host_linear() -> Any:
    """A small layer of the host's own class."""
    from comfy.ops import disable_weight_init

    layer = disable_weight_init.Linear(2, 2)
    torch.nn.init.ones_(layer.weight)
    torch.nn.init.ones_(layer.bias)
    return layer


@pytest.mark.parametrize("at", [1, 4], ids=["first call", "later call"])
def test_an_interrupt_ends_the_profile_within_one_denoiser_call(
    host: Any, tiny: TinyModel, at: int
) -> None:
    watched = Denoiser(tiny.model, at, nodes.interrupt_processing)
    assert "execution_interrupted" in refused(host, watched.model, tiny.clip)
    assert watched.calls == at
    assert not comfy.model_management.processing_interrupted()


def test_an_interrupt_between_two_denoiser_calls(host: Any, tiny: TinyModel) -> None:
    calls = 0

    def interrupt_without_any_layer(apply_model: Callable[..., Any], call: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        nodes.interrupt_processing()
        return call["input"] * 0

    watched = tiny.model.clone()
    watched.set_model_unet_function_wrapper(interrupt_without_any_layer)
    assert "execution_interrupted" in refused(host, watched, tiny.clip)
    assert calls == 1


def test_an_interrupt_while_prompts_are_encoded(
    host: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = 0
    encode = tiny.clip.cond_stage_model.encode_token_weights

    def encode_and_interrupt(tokens: Any) -> Any:
        nonlocal encoded
        encoded += 1
        result = encode(tokens)
        nodes.interrupt_processing()
        return result

    monkeypatch.setattr(tiny.clip.cond_stage_model, "encode_token_weights", encode_and_interrupt)
    assert "execution_interrupted" in refused(host, tiny.model, tiny.clip)
    assert encoded == 1


def test_a_successful_profile_leaves_no_trace(host: Any, tiny: TinyModel) -> None:
    host.forget()
    assert host.run(profile_graph(host, tiny.model, tiny.clip), "mask")
