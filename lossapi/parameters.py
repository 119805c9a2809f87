"""What a parameter may be: constraints declared once, on a kernel's keyword-only arguments.

The annotation is read into one pydantic model per definition; the core checks with it, the HTTP schema and
the card print it, so a bound stands in one place.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from lossapi.errors import MOST_FAULTS, Fault, LossError, ParameterError, UnknownKey, nearest

Positive: TypeAlias = Annotated[float, Gt(0)]
NonNegative: TypeAlias = Annotated[float, Ge(0)]
Fraction: TypeAlias = Annotated[float, Ge(0), Le(1)]
LogFloor: TypeAlias = Annotated[float, Lt(0.5)]
Count: TypeAlias = Annotated[int, Ge(1)]
WholeNumber: TypeAlias = Annotated[int, Ge(0)]
Integer: TypeAlias = Annotated[int, Ge(-(2**63)), Le(2**63 - 1)]
Reduction: TypeAlias = Literal["mean", "sum", "weighted_mean", "nonzero_mean", "batch_mean", "none"]
Average: TypeAlias = Literal["binary", "micro", "macro", "weighted", "samples", "none"]

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)

Field: TypeAlias = tuple[Any, Any]


def read_parameters(*functions: Callable[..., Any]) -> dict[str, Field]:
    """The keyword-only arguments of some functions, as (annotation, default) by name."""
    fields: dict[str, Field] = {}
    for function in functions:
        hints = get_type_hints(function, include_extras=True)
        for argument in inspect.signature(function).parameters.values():
            if argument.kind is argument.KEYWORD_ONLY:
                default = ... if argument.default is argument.empty else argument.default
                fields[argument.name] = (hints[argument.name], default)
    return fields


def model(name: str, fields: Mapping[str, Field]) -> type[BaseModel]:
    """A pydantic model of parameters: strict, finite, no unknown keys."""
    strict: dict[str, Any] = {key: (_without_booleans(kind), default) for key, (kind, default) in fields.items()}
    return create_model(name, __config__=STRICT, **strict)


def _without_booleans(kind: Any) -> Any:
    """A choice among numbers, in which `false` is not 0, as it is to Python."""
    numbers = get_origin(kind) is Literal and any(isinstance(each, int) for each in get_args(kind))
    return Annotated[kind, BeforeValidator(_no_boolean)] if numbers else kind


def _no_boolean(value: Any) -> Any:
    return repr(value) if isinstance(value, bool) else value


def check(
    parameters: type[BaseModel], given: Mapping[str, Any], unchecked: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The validated parameters with their defaults, or an error; of those `unchecked`, any number is taken."""
    free = {name: _number(name, given[name]) for name in unchecked if name in given and name in parameters.model_fields}
    try:
        return vars(parameters.model_validate({n: v for n, v in given.items() if n not in free})) | free
    except ValidationError as error:
        raise as_error(error, parameters.model_fields) from None


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ParameterError(f"{name}: a number", _show(value), (name,))
    return value


def as_error(error: ValidationError, known: Iterable[str]) -> LossError:
    """pydantic's findings in our words; an unknown key is answered with the nearest known one.

    An error of ours is made anew: raised from within pydantic's, which holds it where the collector of garbage does not
    look, it would hold pydantic's in turn, and neither would ever be let go of.
    """
    known = list(known)
    details = error.errors(include_url=False)
    for detail in details:
        inner = detail.get("ctx", {}).get("error")
        if isinstance(inner, LossError):
            return type(inner).of(inner.faults, inner.more).within(*_where(detail))
    faults = [_fault(detail, known) for detail in details[:MOST_FAULTS]]
    unknown = all(detail["type"] == "extra_forbidden" for detail in details)
    return (UnknownKey if unknown else ParameterError).of(faults, len(details[MOST_FAULTS:]))


def _where(detail: ErrorDetails) -> tuple[str | int, ...]:
    return tuple(step for step in detail["loc"] if not str(step).startswith(("function-", "literal[", "list[")))


def _fault(detail: ErrorDetails, known: list[str]) -> Fault:
    kind, context = detail["type"], detail.get("ctx", {})
    where = _where(detail)
    name = str(where[-1]) if where else "request"
    if kind == "extra_forbidden":
        return Fault(nearest(name, known), f"unknown key {name!r}", where)
    if kind == "missing":
        return Fault(name, "nothing", where)
    for word, sign in (
        ("greater_than_equal", ">="),
        ("greater_than", ">"),
        ("less_than_equal", "<="),
        ("less_than", "<"),
    ):
        if kind == word:
            return Fault(f"{name} {sign} {next(iter(context.values())):g}", _show(detail["input"]), where)
    if kind == "literal_error":
        return Fault(f"{name} to be {context['expected']}", _show(detail["input"]), where)
    return Fault(f"{name}: {detail['msg'].removeprefix('Input should be ')}", _show(detail["input"]), where)


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def defaults(parameters: type[BaseModel]) -> dict[str, Any]:
    """Every parameter that has a default, with it."""
    fields: Mapping[str, FieldInfo] = parameters.model_fields
    return {name: field.default for name, field in fields.items() if field.default is not PydanticUndefined}
