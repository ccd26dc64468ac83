"""A mask's card: what it forgets, how it was made and for which model, in a few short texts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..mask import NeuronMask

_MOST_TEXT = 120  # characters
_MOST_SETTINGS = 240  # characters
_MOST_ITEMS = 12  # concepts, or masks with a row of their own
_MOST_PROMPTS = 2


@dataclass(frozen=True)
class MaskCard:
    """The facts of a mask that a person needs before using it; short, whatever the mask says.

    Attributes:
        title: the concepts.
        architecture: the model that the mask is made for.
        rows: label and text, in reading order.
    """

    title: str
    architecture: str
    rows: tuple[tuple[str, str], ...]


def mask_card(mask: NeuronMask) -> MaskCard:
    """The card of ``mask``. What its provenance lacks or holds in another form is left out."""
    origins = list(_origins(mask))
    protected = list(_protected(mask.provenance))
    rows = [
        ("made for", _short(mask.model.architecture)),
        ("switches off", _counts(mask)),
    ]
    if _array(mask.provenance.get("masks")):
        rows.append(("fused with", _settings(mask.settings)))
    rows += [(origin.title, origin.text()) for origin in origins[:_MOST_ITEMS]]
    if len(origins) > _MOST_ITEMS:
        rows.append(("…", f"and {len(origins) - _MOST_ITEMS} more masks"))
    if protected:
        rows.append(("protects", _list(protected)))
    profiled = {_settings(origin.profile_settings): None for origin in origins}
    rows += [("profiled with", text) for text in list(profiled)[:_MOST_ITEMS] if text]
    rows.append(("fingerprint", mask.model.short_fingerprint))
    version = mask.provenance.get("extension_version")
    made_with = f"Forget It All {version}" if isinstance(version, str) else "an earlier version"
    rows.append(("made with", _short(made_with)))
    return MaskCard(
        title=_list(mask.concepts),
        architecture=_short(mask.model.architecture),
        rows=tuple((_short(label), text) for label, text in rows),
    )


@dataclass(frozen=True)
class _Origin:
    """One concept mask that a mask was made of."""

    title: str
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "_Origin":
        """An entry of a fused mask's provenance."""
        return cls(
            _list(_texts(record.get("concepts"))),
            _object(record.get("settings")),
            _object(record.get("provenance")),
        )

    @property
    def profile_settings(self) -> Mapping[str, Any]:
        """How the concept was profiled, less the size of the model."""
        settings = _object(self.provenance.get("profile_settings"))
        return {name: value for name, value in settings.items() if name != "model_weights"}

    def text(self) -> str:
        """Kind, settings and the first prompts."""
        kind = self.provenance.get("kind")
        parts = [_short(kind)] if isinstance(kind, str) else []
        parts.append(_settings(self.settings))
        prompts = _texts(self.provenance.get("concept_prompts"))
        if prompts:
            first = ", ".join(f"“{_short(prompt)}”" for prompt in prompts[:_MOST_PROMPTS])
            parts.append(f"{len(prompts)} prompts: {first}" + " …" * (len(prompts) > _MOST_PROMPTS))
        return " · ".join(part for part in parts if part)


def _origins(mask: NeuronMask) -> Iterator[_Origin]:
    """The concept masks that ``mask`` was fused from, through fusions of fusions; or itself."""
    waiting = [_Origin(_list(mask.concepts), mask.settings, mask.provenance)]
    while waiting:
        origin = waiting.pop()
        parts = _array(origin.provenance.get("masks"))
        if not parts:
            yield origin
        waiting += [_Origin.of(_object(part)) for part in reversed(parts)]


def _protected(provenance: Mapping[str, Any]) -> Iterator[str]:
    for part in _array(provenance.get("protect")):
        yield from _texts(_object(part).get("concepts"))


def _counts(mask: NeuronMask) -> str:
    layers = "1 layer" if len(mask.layers) == 1 else f"{len(mask.layers)} layers"
    text = f"{mask.count:,} of {mask.weights:,} FFN2 weights"
    text += f" ({_percent(mask.count, mask.weights)}) in {layers}"
    weights = mask.model_weights
    return f"{text}, {_percent(mask.count, weights)} of the model" if weights else text


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.2f} %"


def _settings(settings: Mapping[str, Any]) -> str:
    """``{"spatial_sparsity": 0.01, "granularity": "both"}`` as "spatial sparsity 1 %, …"."""
    words = [f"{name.replace('_', ' ')} {_value(name, value)}" for name, value in settings.items()]
    return _short(", ".join(words), _MOST_SETTINGS)


def _value(name: str, value: Any) -> str:
    if name.endswith(("_sparsity", "_ratio")) and type(value) in (int, float) and 0 <= value <= 1:
        return f"{100 * value:g} %"
    return str(value)


def _list(texts: Iterable[str]) -> str:
    texts = [_short(text) for text in texts]
    more = len(texts) - _MOST_ITEMS
    return ", ".join(texts[:_MOST_ITEMS]) + (f" and {more} more" if more > 0 else "")


def _short(text: str, most: int = _MOST_TEXT) -> str:
    """One line of at most ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [text for text in _array(value) if isinstance(text, str)]
