"""A method's settings: what a suite gives, held to the signature of the method's function."""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError, create_model

from .suite import SuiteError


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
