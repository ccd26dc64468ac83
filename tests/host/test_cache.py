"""Profiles on disk: what counts as the same, what is kept, and what never harms."""

import errno
import os
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import folder_paths
import pytest
import torch
from comfy.hooks import HookGroup
from comfy.latent_formats import SDXL
from comfy.model_sampling import CONST, EPS, ModelSamplingDiscrete, ModelSamplingDiscreteFlow
from comfy.sd import CLIP
from comfy.sd1_clip import SD1ClipModel
from comparison import assert_same
from compositions import apply
from drawn_mask import drawn_mask
from graphs import QUICK, GraphError, profile_graph
from loras import with_lora
from tiny_model import TinyModel, VelocitySD15, compiled, tiny_denoiser

import nodes

CALLS_A_CONCEPT = 2  # 4 prompts, 2 a call, 1 step
FINGERPRINT = "nodes.host.profiling.fingerprint"
ENCODER_FINGERPRINT = "nodes.host.profiling.encoder_fingerprint"
PLACES = (
    "model_options",
    "object_patches",
    "weight_wrapper_patches",
    "wrappers",
    "callbacks",
    "injections",
    "hook_patches",
    "additional_models",
)
"""Where a model or a text encoder holds other nodes' code."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty cache."""
    monkeypatch.setattr(folder_paths, "user_directory", str(tmp_path))
    return tmp_path / "__forget_it_all" / "profiles"


@pytest.fixture
def denoiser(tiny: TinyModel, monkeypatch: pytest.MonkeyPatch) -> "Denoiser":
    watched = Denoiser()
    network = tiny.model.model.diffusion_model
    forward = type(network).forward

    def counted(self: torch.nn.Module, *arguments: Any, **options: Any) -> Any:
        if self is network:
            watched.called()
        return forward(self, *arguments, **options)

    monkeypatch.setattr(type(network), "forward", counted)
    return watched


class Denoiser:
    """Counts calls, with no code in the model, and interrupts at one of them."""

    calls = 0
    interrupt_at = -1

    def called(self) -> None:
        self.calls += 1
        if self.calls == self.interrupt_at:
            nodes.interrupt_processing()


def profiles(host: Any, tiny: TinyModel, **inputs: Any) -> list[Any]:
    host.forget()
    usual = {"model": tiny.model, "clip": tiny.clip, "use_cache": True, "batch_size": 2, **QUICK}
    graph = profile_graph(host, **(usual | inputs))
    return host.run(graph, "profile")


def test_a_profile_is_made_once(
    host: Any, tiny: TinyModel, folder: Path, denoiser: Denoiser
) -> None:
    (first,) = profiles(host, tiny)
    assert denoiser.calls >= CALLS_A_CONCEPT
    denoiser.calls = 0
    (second,) = profiles(host, tiny)
    assert denoiser.calls == 0
    assert_same(first, second)


def test_only_a_further_concept_is_profiled(
    host: Any, tiny: TinyModel, folder: Path, denoiser: Denoiser
) -> None:
    profiles(host, tiny)
    alone = denoiser.calls
    denoiser.calls = 0
    both = profiles(host, tiny, concepts="cat\nchurch")
    assert denoiser.calls == alone
    assert [profile.concept for profile in both] == ["cat", "church"]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"steps": 11},
        {"cfg": 5.0},
        {"width": 72},
        {"contexts": "road\ncity"},
        {"base_template": "the {context}"},
        {"concept_templates": "{concept} {context}"},
        {"temporal_sparsity": 6.0},
        {"saliency_form": "released"},
        {"kind": "art style"},
    ],
)
def test_whatever_matters_makes_a_new_profile(
    host: Any, tiny: TinyModel, folder: Path, denoiser: Denoiser, change: dict[str, Any]
) -> None:
    profiles(host, tiny)
    denoiser.calls = 0
    profiles(host, tiny, **change)
    assert denoiser.calls > 0


def test_another_batch_size_is_the_same_profile(
    host: Any, tiny: TinyModel, folder: Path, denoiser: Denoiser
) -> None:
    profiles(host, tiny)
    denoiser.calls = 0
    profiles(host, tiny, batch_size=4)
    assert denoiser.calls == 0


def test_another_model_makes_a_new_profile(host: Any, tiny: TinyModel, folder: Path) -> None:
    profiles(host, tiny)
    assert len(list(folder.iterdir())) == 1
    profiles(host, tiny, model=with_lora(tiny.model, strength=1.0))
    profiles(host, tiny, model=with_lora(tiny.model, strength=0.5))
    other = tiny_denoiser()
    with torch.no_grad():
        next(other.model.diffusion_model.parameters())[0] += 1
    profiles(host, tiny, model=other)
    assert len(list(folder.iterdir())) == 4
    profiles(host, tiny, model=with_lora(tiny_denoiser(), strength=0.5))
    assert len(list(folder.iterdir())) == 4


def test_the_same_weights_used_otherwise_make_a_new_profile(
    host: Any, tiny: TinyModel, folder: Path
) -> None:
    """A checkpoint trained on the velocity has the weights of any other, and so has one whose
    latents are scaled in another way."""
    profiles(host, tiny)
    velocity = tiny_denoiser(family=VelocitySD15)
    profiles(host, tiny, model=velocity)
    assert len(list(folder.iterdir())) == 2
    scaled = tiny_denoiser()
    scaled.model.latent_format = SDXL()
    profiles(host, tiny, model=scaled)
    assert len(list(folder.iterdir())) == 3


def test_another_schedule_of_noise_makes_a_new_profile(
    host: Any, tiny: TinyModel, folder: Path
) -> None:
    """The host sets it as it loads a checkpoint that was trained down to no signal at all."""
    profiles(host, tiny)
    other = tiny_denoiser()
    sampling = other.model.model_sampling
    sampling.set_sigmas(sampling.sigmas * 1.5)
    profiles(host, tiny, model=other)
    assert len(list(folder.iterdir())) == 2


def test_a_model_that_runs_foreign_code_is_not_cached(
    host: Any, tiny: TinyModel, folder: Path
) -> None:
    wrapped = tiny.model.clone()
    wrapped.set_model_sampler_post_cfg_function(lambda arguments: arguments["denoised"])
    profiles(host, tiny, model=wrapped)
    assert not folder.exists()


MODEL_SAMPLING: list[tuple[str, dict[str, Any]]] = [
    ("ModelSamplingSD3", {"shift": 3.0}),
    ("ModelSamplingSD3", {"shift": 1.73}),
    ("ModelSamplingAuraFlow", {"shift": 1.73}),  # with another multiplier
    ("ModelSamplingFlux", {"max_shift": 1.15, "base_shift": 0.5, "width": 64, "height": 64}),
    ("ModelSamplingDiscrete", {"sampling": "eps", "zsnr": False}),
    ("ModelSamplingDiscrete", {"sampling": "v_prediction", "zsnr": False}),  # another class
    ("ModelSamplingDiscrete", {"sampling": "lcm", "zsnr": False}),
]
"""Of the host's nodes that replace how a model is sampled, with their inputs."""


@cache
def model_sampling_nodes() -> dict[str, Any]:
    """Of a module under the name that the host gives it: the path of its file."""
    file = Path(folder_paths.__file__).parent / "comfy_extras" / "nodes_model_advanced.py"
    spec = spec_from_file_location(str(file.with_suffix("")), file)
    assert spec and spec.loader
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.NODE_CLASS_MAPPINGS


def sampled(model: Any, node: str, inputs: dict[str, Any]) -> Any:
    """What a ModelSampling node of the host gives."""
    made = model_sampling_nodes()[node]()
    return getattr(made, made.FUNCTION)(model, **inputs)[0]


@pytest.mark.parametrize(("node", "inputs"), MODEL_SAMPLING)
def test_a_model_with_another_sampling_is_profiled_once(
    host: Any, tiny: TinyModel, folder: Path, denoiser: Denoiser, node: str, inputs: dict[str, Any]
) -> None:
    (first,) = profiles(host, tiny, model=sampled(tiny.model, node, inputs))
    denoiser.calls = 0
    (second,) = profiles(host, tiny, model=sampled(tiny.model, node, inputs))
    assert denoiser.calls == 0
    assert_same(first, second)


def test_whatever_matters_in_a_sampling_changes_the_fingerprint(
    extension: Any, tiny: TinyModel
) -> None:
    plain = fingerprint_of(extension, tiny.model)
    texts = [
        fingerprint_of(extension, sampled(tiny.model, node, inputs))
        for node, inputs in MODEL_SAMPLING
    ]
    assert len({plain, *texts}) == 1 + len(MODEL_SAMPLING)


def with_sampling(model: Any, sampling: Any) -> Any:
    clone = model.clone()
    clone.add_object_patch("model_sampling", sampling)
    return clone


def test_a_sampling_with_anybodys_code_has_no_fingerprint(extension: Any, tiny: TinyModel) -> None:
    class Joined(ModelSamplingDiscreteFlow, CONST):
        pass

    class Own(ModelSamplingDiscrete, EPS):
        def calculate_input(self, sigma: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
            return noise

    class Derived(Own):
        pass

    replaced, hooked, nested = Joined(), Joined(), Joined()
    vars(replaced)["sigma"] = lambda timestep: timestep
    hooked.register_forward_hook(lambda *arguments: None)
    nested.inner = torch.nn.Identity()
    assert fingerprint_of(extension, with_sampling(tiny.model, Joined()))
    for sampling in (Own(), Derived(), replaced, hooked, nested):
        with pytest.raises(extension.module(FINGERPRINT).NoFingerprintError):
            fingerprint_of(extension, with_sampling(tiny.model, sampling))


def test_a_compiled_model_has_the_plain_ones_profile(
    host: Any, tiny: TinyModel, folder: Path, denoiser: Denoiser
) -> None:
    """It is profiled through its plain modules."""
    model = compiled(tiny.model)
    options = dict(model.model_options)
    (first,) = profiles(host, tiny, model=model)
    assert model.model_options == options
    denoiser.calls = 0
    (second,) = profiles(host, tiny)
    assert denoiser.calls == 0
    assert_same(first, second)


@pytest.mark.parametrize("place", PLACES)
def test_code_in_any_place_of_a_model_has_no_fingerprint(
    extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    model = tiny.model.clone()
    plain = fingerprint_of(extension, model)
    monkeypatch.setattr(model, place, {"of another node": [object()]})
    with pytest.raises(extension.module(FINGERPRINT).NoFingerprintError, match=place):
        fingerprint_of(extension, model)
    monkeypatch.setattr(model, place, {"of another node": []})
    assert fingerprint_of(extension, model) == plain


@pytest.mark.parametrize("register", ["register_forward_hook", "register_forward_pre_hook"])
def test_a_hook_on_a_module_of_the_denoiser_has_no_fingerprint(
    extension: Any, tiny: TinyModel, register: str
) -> None:
    module = tiny.model.get_model_object("diffusion_model.out")
    handle = getattr(module, register)(lambda *arguments: None)
    with pytest.raises(extension.module(FINGERPRINT).NoFingerprintError, match="forward hooks"):
        fingerprint_of(extension, tiny.model)
    handle.remove()
    assert fingerprint_of(extension, tiny.model)


def test_a_replaced_method_of_the_denoiser_has_no_fingerprint(extension: Any) -> None:
    model = tiny_denoiser()
    plain = fingerprint_of(extension, model)
    network = model.model.diffusion_model
    network.forward = network.forward  # as it is once the host has taken an object patch away
    assert fingerprint_of(extension, model) == plain
    network.forward = lambda *arguments: None
    with pytest.raises(extension.module(FINGERPRINT).NoFingerprintError, match="forward"):
        fingerprint_of(extension, model)


def test_a_masked_model_has_a_fingerprint(extension: Any, tiny: TinyModel) -> None:
    masked = apply(extension, tiny.model, drawn_mask(extension, tiny.model))
    assert masked.callbacks
    assert fingerprint_of(extension, masked) != fingerprint_of(extension, tiny.model)


def test_what_has_no_content_has_no_fingerprint(extension: Any) -> None:
    class Packed(torch.Tensor):
        """As other nodes hold weights: its bytes are not what it computes with."""

    module = extension.module(FINGERPRINT)
    packed = torch.zeros(4).as_subclass(Packed)
    for value in (object(), {"patch": [object()]}, packed, [packed]):
        with pytest.raises(module.NoFingerprintError):
            module.Fingerprint().add(value)
    with pytest.raises(module.NoFingerprintError, match="Packed"):
        module.Fingerprint().sample(packed)


def test_a_change_in_any_column_of_a_large_weight_is_seen(extension: Any) -> None:
    """Its entries are looked at in steps, which must not fall on the same columns in every row."""

    def sampled(weight: torch.Tensor) -> str:
        fingerprint = extension.module(FINGERPRINT).Fingerprint()
        fingerprint.sample(weight)
        return fingerprint.text()

    weight = torch.zeros(512, 2048)
    plain = sampled(weight)
    for column in range(0, 2048, 97):
        changed = weight.clone()
        changed[:, column] = 1
        assert sampled(changed) != plain, column


def test_precision_and_device_make_another_fingerprint(
    extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.model.clone()
    texts = {fingerprint_of(extension, model)}
    with monkeypatch.context() as patch:
        patch.setattr(model.model, "manual_cast_dtype", torch.float16)
        texts.add(fingerprint_of(extension, model))
    with monkeypatch.context() as patch:
        patch.setattr(model, "load_device", torch.device("cuda"))
        texts.add(fingerprint_of(extension, model))
    assert len(texts) == 3


def fingerprint_of(extension: Any, model: Any) -> str:
    module = extension.module(FINGERPRINT)
    fingerprint = module.Fingerprint()
    module.add_model(fingerprint, model)
    return fingerprint.text()


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The tokens of every prompt that the text encoder has seen."""
    seen: list[Any] = []
    encode = SD1ClipModel.encode_token_weights

    def note(self: Any, tokens: Any) -> Any:
        seen.append(tokens)
        return encode(self, tokens)

    monkeypatch.setattr(SD1ClipModel, "encode_token_weights", note)
    return seen


def test_only_prompts_of_profiles_that_are_missing_are_encoded(
    host: Any, tiny: TinyModel, folder: Path, encoded: list[Any]
) -> None:
    profiles(host, tiny)
    assert len(encoded) == 2 + 2 + 1  # without a concept, with it, and the empty one
    encoded.clear()
    profiles(host, tiny)
    assert not encoded
    profiles(host, tiny, concepts="church\ncat")
    assert len(encoded) == 2 + 2 + 1


def test_prompts_are_encoded_before_room_is_made_and_stacked_for_a_round_only(
    host: Any,
    extension: Any,
    tiny: TinyModel,
    encoded: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = extension.module("nodes.host.denoising.conditioning")
    state_plan = extension.module("nodes.host.profiling.state_plan")
    stack, make_room = request.stack_prompts, state_plan.make_room
    events: list[tuple[str, int]] = []

    def note_stack(prompts: Any) -> Any:
        events.append(("stacked", len(prompts)))
        return stack(prompts)

    def note_room(*arguments: Any) -> None:
        events.append(("room after", len(encoded)))
        make_room(*arguments)

    monkeypatch.setattr(request, "stack_prompts", note_stack)
    monkeypatch.setattr(state_plan, "make_room", note_room)
    profiles(host, tiny, use_cache=False)
    assert events == [("room after", 5), ("stacked", 4), ("stacked", 1)]


def test_another_text_encoder_makes_a_new_profile(
    host: Any, tiny: TinyModel, folder: Path, denoiser: Denoiser
) -> None:
    profiles(host, tiny)
    for change in (skip_layers, patch_weights):
        clip = tiny.clip.clone()
        change(clip)
        denoiser.calls = 0
        profiles(host, tiny, clip=clip)
        assert denoiser.calls > 0, change
        denoiser.calls = 0
        profiles(host, tiny, clip=clip)
        assert denoiser.calls == 0, change
    profiles(host, tiny, clip=tiny.clip.clone())
    assert denoiser.calls == 0


def skip_layers(clip: CLIP) -> None:
    clip.clip_layer(-2)


def patch_weights(clip: CLIP) -> None:
    name = "clip_l.transformer.text_model.encoder.layers.0.mlp.fc1.weight"
    weight = clip.cond_stage_model.get_parameter(name)
    assert clip.add_patches({name: (torch.ones_like(weight),)})


def change_weights(clip: CLIP) -> None:
    clip.cond_stage_model = clip.patcher.model = deepcopy(clip.cond_stage_model)
    for weight in clip.cond_stage_model.parameters():
        weight.data = weight.data + 1


def lack_weights(clip: CLIP) -> None:
    clip.cond_stage_model = clip.patcher.model = deepcopy(clip.cond_stage_model)
    clip.cond_stage_model.to("meta")


def move(clip: CLIP) -> None:
    clip.patcher.load_device = torch.device("cuda")


def compute_otherwise(clip: CLIP) -> None:
    clip.patcher.object_patches["manual_cast_dtype"] = torch.bfloat16


def change_class(clip: CLIP) -> None:
    clip.cond_stage_model = deepcopy(clip.cond_stage_model)
    clip.cond_stage_model.__class__ = type("Other", (SD1ClipModel,), {})


@pytest.mark.parametrize(
    "change",
    [
        skip_layers,
        patch_weights,
        change_weights,
        lack_weights,
        move,
        compute_otherwise,
        change_class,
    ],
)
def test_whatever_matters_changes_an_encoders_fingerprint(
    extension: Any, tiny: TinyModel, change: Callable[[CLIP], None]
) -> None:
    fingerprint = extension.module(ENCODER_FINGERPRINT).encoder_fingerprint
    plain = fingerprint(tiny.clip)
    assert plain is not None
    clip = tiny.clip.clone()
    assert fingerprint(clip) == plain
    change(clip)
    assert fingerprint(clip) not in (None, plain)


def test_weights_that_are_patched_in_place_change_no_fingerprint(
    extension: Any, tiny: TinyModel
) -> None:
    fingerprint = extension.module(ENCODER_FINGERPRINT).encoder_fingerprint
    clip = tiny.clip.clone()
    patch_weights(clip)
    before = fingerprint(clip)
    clip.encode_from_tokens(clip.tokenize("a church"))
    assert clip.patcher.backup
    assert fingerprint(clip) == before


def replace_method(clip: CLIP) -> None:
    clip.encode_from_tokens = lambda *arguments, **options: None


def replace_forward(clip: CLIP) -> None:
    clip.cond_stage_model = deepcopy(clip.cond_stage_model)
    clip.cond_stage_model.clip_l.forward = lambda *arguments: None


def hook_forward(clip: CLIP) -> None:
    clip.cond_stage_model = deepcopy(clip.cond_stage_model)
    clip.cond_stage_model.clip_l.register_forward_hook(lambda *arguments: None)


def schedule_hooks(clip: CLIP) -> None:
    clip.patcher.forced_hooks = HookGroup()


def give_hooks(clip: CLIP) -> None:
    vars(clip)["apply_hooks_to_conds"] = HookGroup()


def put_into(place: str) -> Callable[[CLIP], None]:
    def put(clip: CLIP) -> None:
        extras = {**getattr(clip.patcher, place), "of another node": [object()]}
        setattr(clip.patcher, place, extras)

    return put


CODE = [
    replace_method,
    replace_forward,
    hook_forward,
    schedule_hooks,
    give_hooks,
    *map(put_into, PLACES),
]


@pytest.mark.parametrize("put", CODE)
def test_code_of_other_nodes_in_a_text_encoder_has_no_fingerprint(
    extension: Any, tiny: TinyModel, put: Callable[[CLIP], None]
) -> None:
    clip = tiny.clip.clone()
    put(clip)
    assert extension.module(ENCODER_FINGERPRINT).encoder_fingerprint(clip) is None


def test_prompts_of_an_encoder_that_runs_other_code_are_told_by_what_it_makes_of_them(
    host: Any, tiny: TinyModel, folder: Path, denoiser: Denoiser, encoded: list[Any]
) -> None:
    strength = 1.0

    def scaled(tokens: Any, **options: Any) -> Any:
        made: Any = CLIP.encode_from_tokens(clip, tokens, **options)
        return {**made, "cond": strength * made["cond"]}

    clip = tiny.clip.clone()
    vars(clip)["encode_from_tokens"] = scaled
    profiles(host, tiny, clip=clip)
    denoiser.calls = 0
    encoded.clear()
    profiles(host, tiny, clip=clip)
    assert denoiser.calls == 0 and encoded
    strength = 2.0
    profiles(host, tiny, clip=clip)
    assert denoiser.calls > 0


def test_learned_words_are_told_by_their_vectors(
    extension: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A textual inversion's file may change under its name."""
    request = SimpleNamespace()
    texts = set()
    for value in (1.0, 2.0):
        tokens = {"l": [[(torch.full((4,), value), 1.0)]]}
        monkeypatch.setattr(
            tiny.clip.tokenizer, "tokenize_with_weights", lambda *a, tokens=tokens: tokens
        )
        prompts = extension.module("nodes.host.denoising.conditioning").RequestPrompts(
            tiny.clip, request
        )
        fingerprint = extension.module(FINGERPRINT).Fingerprint()
        encoder = extension.module(ENCODER_FINGERPRINT)
        encoder.add_prompts(
            fingerprint, tiny.clip, encoder.encoder_fingerprint(tiny.clip), prompts, ("a thing",)
        )
        texts.add(fingerprint.text())
    assert len(texts) == 2


def test_another_way_to_calculate_makes_a_new_profile(
    host: Any,
    extension: Any,
    tiny: TinyModel,
    folder: Path,
    denoiser: Denoiser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profiles(host, tiny)
    denoiser.calls = 0
    monkeypatch.setattr(extension.module("nodes.host.profiling.concepts"), "CALCULATION", -1)
    profiles(host, tiny)
    assert denoiser.calls > 0


def test_the_switch(host: Any, tiny: TinyModel, folder: Path, denoiser: Denoiser) -> None:
    profiles(host, tiny, use_cache=False)
    assert not folder.exists()
    profiles(host, tiny)
    denoiser.calls = 0
    profiles(host, tiny, use_cache=False)
    assert denoiser.calls > 0


def test_an_interrupt_keeps_the_rounds_that_are_done(
    host: Any,
    extension: Any,
    tiny: TinyModel,
    folder: Path,
    denoiser: Denoiser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extension.module("nodes.host.profiling.state_plan"), "LARGEST_ROUND", 1)
    profiles(host, tiny, use_cache=False)
    alone, denoiser.calls = denoiser.calls, 0
    denoiser.interrupt_at = 2 * alone + 1
    with pytest.raises(GraphError, match="execution_interrupted"):
        profiles(host, tiny, concepts="church\ncat\ndog")
    denoiser.calls, denoiser.interrupt_at = 0, -1
    resumed = profiles(host, tiny, concepts="church\ncat\ndog")
    assert denoiser.calls == alone
    for one, other in zip(
        resumed, profiles(host, tiny, concepts="church\ncat\ndog", use_cache=False), strict=True
    ):
        assert_same(one, other)


@pytest.mark.parametrize("damage", [b"", b"nonsense", None], ids=["empty", "nonsense", "half"])
def test_a_damaged_file_is_replaced(
    host: Any, tiny: TinyModel, folder: Path, denoiser: Denoiser, damage: bytes | None
) -> None:
    (first,) = profiles(host, tiny)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    denoiser.calls = 0
    (again,) = profiles(host, tiny)
    assert denoiser.calls > 0
    assert_same(first, again)
    assert file.read_bytes() == whole


def test_a_damaged_file_is_removed_at_once(extension: Any, tmp_path: Path) -> None:
    """Whether or not its profile can be made again."""
    file = tmp_path / "key.safetensors"
    file.write_bytes(b"nonsense")
    cache = extension.module("nodes.host.profiling.cache").ProfileCache(tmp_path)
    assert cache.get("key") is None
    assert not file.exists()


def test_a_file_that_cannot_be_read_now_stays(
    host: Any,
    tiny: TinyModel,
    folder: Path,
    extension: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As with too many files open, or a network drive that is away."""
    profiles(host, tiny)
    (file,) = folder.iterdir()
    cache = extension.module("nodes.host.profiling.cache").ProfileCache(folder)

    def unreadable(path: Path) -> bytes:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(Path, "read_bytes", unreadable)
    assert cache.get(file.stem) is None
    assert "Too many open files" in caplog.text
    monkeypatch.undo()
    assert cache.get(file.stem) is not None


def test_a_drive_that_is_away_costs_the_cache_only(
    host: Any,
    tiny: TinyModel,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    profiles(host, tiny)
    stat = os.stat

    def away(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(str(folder)):
            raise OSError(errno.EHOSTDOWN, os.strerror(errno.EHOSTDOWN))
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", away)
    (profile,) = profiles(host, tiny)
    monkeypatch.undo()
    assert profile.concept == "church"
    assert "Not kept on disk" in caplog.text


def test_the_least_recently_used_go_first(
    extension: Any, host: Any, tiny: TinyModel, tmp_path: Path
) -> None:
    (profile,) = profiles(host, tiny, use_cache=False)
    module = extension.module("nodes.host.profiling.cache")
    profile.save(tmp_path / "one.safetensors")
    profile.save(tmp_path / "two.safetensors")
    limit = 2 * (tmp_path / "one.safetensors").stat().st_size
    cache = module.ProfileCache(tmp_path, limit)
    os.utime(tmp_path / "one.safetensors", (1, 1))
    os.utime(tmp_path / "two.safetensors", (2, 2))
    left_by_a_killed_process = tmp_path / ".fia-0123.tmp"
    left_by_a_killed_process.touch()
    os.utime(left_by_a_killed_process, (1, 1))

    assert cache.get("one") is not None  # used now, so "two" is the oldest
    cache.put("three", profile)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "one.safetensors",
        "three.safetensors",
    ]
    assert cache.empty()[0] == 2
    assert not list(tmp_path.iterdir())


def test_a_request_never_drives_out_its_own_profiles(
    extension: Any, host: Any, tiny: TinyModel, tmp_path: Path
) -> None:
    """Neither those it has made nor those it has found."""
    (profile,) = profiles(host, tiny, use_cache=False)
    module = extension.module("nodes.host.profiling.cache")
    for name in ("found", "other"):
        profile.save(tmp_path / f"{name}.safetensors")
    request = module.ProfileCache(tmp_path, limit=1)
    assert request.get("found") is not None
    request.put("made", profile)
    request.put("made next", profile)
    names = sorted(path.stem for path in tmp_path.iterdir())
    assert names == ["found", "made", "made next"]
    module.ProfileCache(tmp_path, limit=1).put("of the next request", profile)
    assert [path.stem for path in tmp_path.iterdir()] == ["of the next request"]


def test_a_profile_whose_time_cannot_be_set_is_used(
    extension: Any,
    host: Any,
    tiny: TinyModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a disk that can only be read."""
    (profile,) = profiles(host, tiny, use_cache=False)
    cache = extension.module("nodes.host.profiling.cache").ProfileCache(tmp_path)
    cache.put("key", profile)

    def refuse(path: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "utime", refuse)
    assert_same(cache.get("key"), profile)


def test_files_that_another_server_takes_away_or_that_cannot_go_harm_nothing(
    extension: Any, host: Any, tiny: TinyModel, tmp_path: Path
) -> None:
    (profile,) = profiles(host, tiny, use_cache=False)
    for name in ("gone.safetensors", ".gone.tmp"):  # listed, and not there to be looked at
        (tmp_path / name).symlink_to(tmp_path / "nowhere")
    stuck = tmp_path / "stuck.safetensors"
    stuck.mkdir()
    os.utime(stuck, (1, 1))
    cache = extension.module("nodes.host.profiling.cache").ProfileCache(tmp_path, limit=1)
    cache.put("key", profile)  # more than there is room for
    assert cache.empty()[0] == 1
    assert stuck.exists()
