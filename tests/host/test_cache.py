"""Profiles on disk: what counts as the same, what is kept, and what never harms."""

import errno
import os
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache, partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import folder_paths
import pytest
import torch
from comfy.hooks import HookGroup
from comfy.latent_formats import SDXL
from comfy.model_patcher import ModelPatcher
from comfy.model_sampling import CONST, EPS, ModelSamplingDiscrete, ModelSamplingDiscreteFlow
from comfy.sd import CLIP
from comfy.sd1_clip import SD1ClipModel
from comparison import assert_same
from compositions import apply
from graphs import QUICK, GraphError, profile_graph, profiled
from masks_and_loras import drawn_mask, with_lora
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


class Profiling:
    """Runs Profile Concept with the cache on, and counts the denoiser's calls of the last run, with
    no code in the model."""

    def __init__(self, host: Any, tiny: TinyModel) -> None:
        self.calls = 0
        self.interrupt_at = -1
        self._host = host
        self._usual = {"model": tiny.model, "clip": tiny.clip, "use_cache": True, "batch_size": 2}

    def __call__(self, **inputs: Any) -> list[Any]:
        self.calls = 0
        self._host.forget()
        graph = profile_graph(self._host, **(self._usual | QUICK | inputs))
        return self._host.run(graph, "profile")

    def see(self) -> None:
        self.calls += 1
        if self.calls == self.interrupt_at:
            nodes.interrupt_processing()


@pytest.fixture
def profiles(host: Any, tiny: TinyModel, monkeypatch: pytest.MonkeyPatch) -> Profiling:
    profiling = Profiling(host, tiny)
    network = tiny.model.model.diffusion_model
    forward = type(network).forward

    def counted(self: torch.nn.Module, *arguments: Any, **options: Any) -> Any:
        if self is network:
            profiling.see()
        return forward(self, *arguments, **options)

    monkeypatch.setattr(type(network), "forward", counted)
    return profiling


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty cache."""
    monkeypatch.setattr(folder_paths, "user_directory", str(tmp_path))
    return tmp_path / "__forget_it_all" / "profiles"


@pytest.fixture(scope="module")
def profile(host: Any, tiny: TinyModel) -> Any:
    with torch.inference_mode():
        return profiled(host, tiny.model, tiny.clip, **QUICK)


Key = Callable[..., str | None]


@pytest.fixture
def key(profiles: Profiling, extension: Any, profile: Any, monkeypatch: pytest.MonkeyPatch) -> Key:
    """The key that Profile Concept looks up; None where it profiles without one.

    Under every key a profile is found, so that nothing runs.
    """
    asked: list[str] = []
    kind = extension.module("nodes.host.profiling.cache").ProfileCache
    monkeypatch.setattr(kind, "get", lambda cache, key: asked.append(key) or profile)

    def ask(**inputs: Any) -> str | None:
        asked.clear()
        profiles(**inputs)
        return asked[0] if asked else None

    return ask


def test_only_what_is_new_is_profiled(profiles: Profiling, folder: Path) -> None:
    profiles(use_cache=False)
    assert not folder.exists()
    (first,) = profiles()
    alone = profiles.calls
    assert alone >= CALLS_A_CONCEPT
    (second,) = profiles()
    assert profiles.calls == 0
    assert_same(first, second)
    both = profiles(concepts="cat\nchurch")
    assert profiles.calls == alone
    assert [profile.concept for profile in both] == ["cat", "church"]
    assert len(list(folder.iterdir())) == 2
    profiles(use_cache=False)
    assert profiles.calls > 0


INPUTS: list[dict[str, Any]] = [
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
]


def test_whatever_matters_of_the_inputs_and_of_the_way_to_calculate_is_in_the_key(
    key: Key, extension: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [key(), *(key(**change) for change in INPUTS)]
    assert key(batch_size=4) == keys[0]
    monkeypatch.setattr(extension.module("nodes.host.profiling.concepts"), "CALCULATION", -1)
    keys.append(key())
    assert len({*keys} - {None}) == len(INPUTS) + 2


def other_weights() -> Any:
    model = tiny_denoiser()
    with torch.no_grad():
        next(model.model.diffusion_model.parameters())[0] += 1
    return model


def other_latents() -> Any:
    model = tiny_denoiser()
    model.model.latent_format = SDXL()
    return model


def other_noise() -> Any:
    """The host does so as it loads a checkpoint that was trained down to no signal at all."""
    model = tiny_denoiser()
    model.model.model_sampling.set_sigmas(model.model.model_sampling.sigmas * 1.5)
    return model


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


def sampled(node: str, **inputs: Any) -> Any:
    """What one of the host's nodes gives that replace how a model is sampled."""
    made = model_sampling_nodes()[node]()
    return getattr(made, made.FUNCTION)(tiny_denoiser(), **inputs)[0]


FLUX = {"max_shift": 1.15, "base_shift": 0.5, "width": 64, "height": 64}
MODELS: dict[str, Callable[[], Any]] = {
    "plain": tiny_denoiser,
    "LoRA": lambda: with_lora(tiny_denoiser(), 1.0),
    "weaker LoRA": lambda: with_lora(tiny_denoiser(), 0.5),
    "weights": other_weights,
    "velocity": lambda: tiny_denoiser(family=VelocitySD15),
    "latents": other_latents,
    "noise": other_noise,
    "shift": lambda: sampled("ModelSamplingSD3", shift=3.0),
    "other shift": lambda: sampled("ModelSamplingSD3", shift=1.73),
    "multiplier": lambda: sampled("ModelSamplingAuraFlow", shift=1.73),
    "shift of Flux": lambda: sampled("ModelSamplingFlux", **FLUX),
    "eps": lambda: sampled("ModelSamplingDiscrete", sampling="eps", zsnr=False),
    "v": lambda: sampled("ModelSamplingDiscrete", sampling="v_prediction", zsnr=False),
    "LCM": lambda: sampled("ModelSamplingDiscrete", sampling="lcm", zsnr=False),
}


def test_models_are_told_apart_by_their_content(key: Key) -> None:
    keys = {name: key(model=make()) for name, make in MODELS.items()}
    assert len({*keys.values()} - {None}) == len(MODELS)
    assert keys == {name: key(model=make()) for name, make in MODELS.items()}


def fingerprint_of(extension: Any, model: Any) -> str:
    module = extension.module(FINGERPRINT)
    fingerprint = module.Fingerprint()
    module.add_model(fingerprint, model)
    return fingerprint.text()


def test_precision_and_device_make_another_fingerprint(extension: Any) -> None:
    model: Any = tiny_denoiser()
    texts = {fingerprint_of(extension, model)}
    model.model.manual_cast_dtype = torch.float16
    texts.add(fingerprint_of(extension, model))
    model.load_device = torch.device("cuda")
    assert len({*texts, fingerprint_of(extension, model)}) == 3


def test_a_model_that_runs_foreign_code_is_not_cached(
    profiles: Profiling, tiny: TinyModel, folder: Path
) -> None:
    wrapped = tiny.model.clone()
    wrapped.set_model_sampler_post_cfg_function(lambda arguments: arguments["denoised"])
    assert profiles(model=wrapped)
    assert not folder.exists()


def test_a_sampling_with_anybodys_code_has_no_fingerprint(extension: Any) -> None:
    class Joined(ModelSamplingDiscreteFlow, CONST):
        pass

    class Own(ModelSamplingDiscrete, EPS):
        def calculate_input(self, sigma: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
            return noise

    class Derived(Own):
        pass

    def fingerprint(sampling: Any) -> str:
        model = tiny_denoiser()
        model.add_object_patch("model_sampling", sampling)
        return fingerprint_of(extension, model)

    replaced, hooked, nested = Joined(), Joined(), Joined()
    vars(replaced)["sigma"] = lambda timestep: timestep
    hooked.register_forward_hook(lambda *arguments: None)
    nested.inner = torch.nn.Identity()
    assert fingerprint(Joined())
    for sampling in (Own(), Derived(), replaced, hooked, nested):
        with pytest.raises(extension.module(FINGERPRINT).NoFingerprintError):
            fingerprint(sampling)


def test_a_compiled_model_has_the_plain_ones_profile(
    profiles: Profiling, tiny: TinyModel, folder: Path
) -> None:
    """It is profiled through its plain modules."""
    model = compiled(tiny.model)
    options = dict(model.model_options)
    (first,) = profiles(model=model)
    assert model.model_options == options
    (second,) = profiles()
    assert profiles.calls == 0
    assert_same(first, second)


def put_into(place: str, patcher: ModelPatcher) -> None:
    setattr(patcher, place, {**getattr(patcher, place), "of another node": [object()]})


def nothing(*_: Any) -> None:
    """What another node hangs on a module."""


MODEL_CODE: dict[str, Callable[[Any], object]] = {
    **{place: partial(put_into, place) for place in PLACES},
    "forward hooks": lambda model: model.model.diffusion_model.out.register_forward_hook(nothing),
    "pre_hooks": lambda model: model.model.diffusion_model.out.register_forward_pre_hook(nothing),
    "forward": lambda model: setattr(model.model.diffusion_model, "forward", nothing),
}
"""What other nodes put into a model, by what the refusal names."""


@pytest.mark.parametrize("put", MODEL_CODE)
def test_code_of_other_nodes_in_a_model_has_no_fingerprint(extension: Any, put: str) -> None:
    model: Any = tiny_denoiser()
    plain = fingerprint_of(extension, model)
    network = model.model.diffusion_model
    network.forward = network.forward  # as it is once the host has taken an object patch away
    model.wrappers = {"of another node": []}
    assert fingerprint_of(extension, model) == plain
    MODEL_CODE[put](model)
    words = put.replace("pre_hooks", "forward hooks")
    with pytest.raises(extension.module(FINGERPRINT).NoFingerprintError, match=words):
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
    profiles: Profiling, folder: Path, encoded: list[Any]
) -> None:
    profiles()
    assert len(encoded) == 2 + 2 + 1  # without a concept, with it, and the empty one
    encoded.clear()
    profiles()
    assert not encoded
    profiles(concepts="church\ncat")
    assert len(encoded) == 2 + 2 + 1


def test_prompts_are_encoded_before_room_is_made_and_stacked_for_a_round_only(
    profiles: Profiling, extension: Any, encoded: list[Any], monkeypatch: pytest.MonkeyPatch
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
    profiles(use_cache=False)
    assert events == [("room after", 5), ("stacked", 4), ("stacked", 1)]


def own_module(clip: CLIP) -> Any:
    """The text encoder's module, this clone's alone from now on."""
    clip.cond_stage_model = clip.patcher.model = deepcopy(clip.cond_stage_model)
    return clip.cond_stage_model


def patch_weights(clip: CLIP) -> None:
    name = "clip_l.transformer.text_model.encoder.layers.0.mlp.fc1.weight"
    weight = clip.cond_stage_model.get_parameter(name)
    assert clip.add_patches({name: (torch.ones_like(weight),)})


OTHER_ENCODERS: dict[str, Callable[[Any], object]] = {
    "layers left out": lambda clip: clip.clip_layer(-2),
    "a patch": patch_weights,
    "weights": lambda clip: next(own_module(clip).parameters()).data.add_(1),
    "no weights": lambda clip: own_module(clip).to("meta"),
    "device": lambda clip: setattr(clip.patcher, "load_device", torch.device("cuda")),
    "precision": lambda clip: clip.patcher.object_patches.update(manual_cast_dtype=torch.bfloat16),
    "class": lambda clip: setattr(
        own_module(clip), "__class__", type("Other", (SD1ClipModel,), {})
    ),
}


def test_whatever_matters_of_an_encoder_changes_its_fingerprint(
    extension: Any, tiny: TinyModel
) -> None:
    fingerprint = extension.module(ENCODER_FINGERPRINT).encoder_fingerprint
    texts = [fingerprint(tiny.clip)]
    assert fingerprint(tiny.clip.clone()) == texts[0]
    for change in OTHER_ENCODERS.values():
        clip = tiny.clip.clone()
        change(clip)
        texts.append(fingerprint(clip))
    assert len({*texts} - {None}) == len(texts)


def test_another_text_encoder_makes_another_key(key: Key, tiny: TinyModel) -> None:
    other = tiny.clip.clone()
    other.clip_layer(-2)
    keys = [key(clip=clip) for clip in (tiny.clip, tiny.clip.clone(), other, other)]
    assert keys[0] == keys[1] != keys[2] == keys[3]


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


ENCODER_CODE: dict[str, Callable[[Any], object]] = {
    **{place: lambda clip, place=place: put_into(place, clip.patcher) for place in PLACES},
    "method": lambda clip: setattr(clip, "encode_from_tokens", nothing),
    "forward": lambda clip: setattr(own_module(clip).clip_l, "forward", nothing),
    "forward hook": lambda clip: own_module(clip).clip_l.register_forward_hook(nothing),
    "forced hooks": lambda clip: setattr(clip.patcher, "forced_hooks", HookGroup()),
    "hooks": lambda clip: setattr(clip, "apply_hooks_to_conds", HookGroup()),
}


@pytest.mark.parametrize("put", ENCODER_CODE)
def test_code_of_other_nodes_in_a_text_encoder_has_no_fingerprint(
    extension: Any, tiny: TinyModel, put: str
) -> None:
    clip = tiny.clip.clone()
    ENCODER_CODE[put](clip)
    assert extension.module(ENCODER_FINGERPRINT).encoder_fingerprint(clip) is None


def test_prompts_of_an_encoder_that_runs_other_code_are_told_by_what_it_makes_of_them(
    key: Key, tiny: TinyModel, encoded: list[Any]
) -> None:
    strength = 1.0

    def scaled(tokens: Any, **options: Any) -> Any:
        made: Any = CLIP.encode_from_tokens(clip, tokens, **options)
        return {**made, "cond": strength * made["cond"]}

    clip = tiny.clip.clone()
    vars(clip)["encode_from_tokens"] = scaled
    first = key(clip=clip)
    encoded.clear()
    assert key(clip=clip) == first and encoded
    strength = 2.0
    assert key(clip=clip) != first


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


def test_an_interrupt_keeps_the_rounds_that_are_done(
    profiles: Profiling, extension: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extension.module("nodes.host.profiling.state_plan"), "LARGEST_ROUND", 1)
    three = "church\ncat\ndog"
    whole = profiles(concepts=three, use_cache=False)
    alone = profiles.calls // 3
    profiles.interrupt_at = 2 * alone + 1
    with pytest.raises(GraphError, match="execution_interrupted"):
        profiles(concepts=three)
    profiles.interrupt_at = -1
    resumed = profiles(concepts=three)
    assert profiles.calls == alone
    for one, other in zip(resumed, whole, strict=True):
        assert_same(one, other)


def test_a_damaged_file_is_replaced(profiles: Profiling, folder: Path) -> None:
    (first,) = profiles()
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    (again,) = profiles()
    assert profiles.calls > 0
    assert_same(first, again)
    assert file.read_bytes() == whole


def test_a_drive_that_is_away_costs_the_cache_only(
    profiles: Profiling,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    profiles()
    stat = os.stat

    def away(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(str(folder)):
            fail(errno.EHOSTDOWN)
        return stat(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", away)
    (profile,) = profiles()
    monkeypatch.undo()
    assert profile.concept == "church"
    assert "Not kept on disk" in caplog.text


def fail(error: int, *_: Any) -> NoReturn:
    raise OSError(error, os.strerror(error))


Stored = Callable[..., Any]


@pytest.fixture
def stored(extension: Any, tmp_path: Path) -> Stored:
    """A cache in a folder of its own, of any limit."""
    return partial(extension.module("nodes.host.profiling.cache").ProfileCache, tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.iterdir())


def test_a_damaged_file_is_removed_at_once(stored: Stored, tmp_path: Path) -> None:
    """Whether or not its profile can be made again."""
    (tmp_path / "key.safetensors").write_bytes(b"nonsense")
    assert stored().get("key") is None
    assert not names(tmp_path)


def test_a_file_that_cannot_be_read_now_stays(
    stored: Stored,
    profile: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As with too many files open, or a network drive that is away."""
    stored().put("key", profile)
    monkeypatch.setattr(Path, "read_bytes", partial(fail, errno.EMFILE))
    assert stored().get("key") is None
    assert "Too many open files" in caplog.text
    monkeypatch.undo()
    assert stored().get("key") is not None


def test_the_least_recently_used_go_first(stored: Stored, profile: Any, tmp_path: Path) -> None:
    for time, name in enumerate((".fia-0123.tmp", "one.safetensors", "two.safetensors"), start=1):
        profile.save(tmp_path / name)  # the first as a killed process leaves it
        os.utime(tmp_path / name, (time, time))
    cache = stored(2 * (tmp_path / "one.safetensors").stat().st_size)
    assert cache.get("one") is not None  # used now, so "two" is the oldest
    cache.put("three", profile)
    assert names(tmp_path) == ["one", "three"]
    assert cache.empty()[0] == 2
    assert not names(tmp_path)


def test_a_request_never_drives_out_its_own_profiles(
    stored: Stored, profile: Any, tmp_path: Path
) -> None:
    """Neither those it has made nor those it has found."""
    for name in ("found", "other"):
        profile.save(tmp_path / f"{name}.safetensors")
    request = stored(limit=1)
    assert request.get("found") is not None
    request.put("made", profile)
    request.put("made next", profile)
    assert names(tmp_path) == ["found", "made", "made next"]
    stored(limit=1).put("of the next request", profile)
    assert names(tmp_path) == ["of the next request"]


def test_a_profile_whose_time_cannot_be_set_is_used(
    stored: Stored, profile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that can only be read."""
    stored().put("key", profile)
    monkeypatch.setattr(os, "utime", partial(fail, errno.EPERM))
    assert_same(stored().get("key"), profile)


def test_files_that_another_server_takes_away_or_that_cannot_go_harm_nothing(
    stored: Stored, profile: Any, tmp_path: Path
) -> None:
    for name in ("gone.safetensors", ".gone.tmp"):  # listed, and not there to be looked at
        (tmp_path / name).symlink_to(tmp_path / "nowhere")
    stuck = tmp_path / "stuck.safetensors"
    stuck.mkdir()
    os.utime(stuck, (1, 1))
    cache = stored(limit=1)
    cache.put("key", profile)  # more than there is room for
    assert cache.empty()[0] == 1
    assert stuck.exists()
