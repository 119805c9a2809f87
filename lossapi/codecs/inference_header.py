"""The JSON of an Open Inference request, as models: what its fields may be, and what is reserved."""

import json as tolerant
from functools import lru_cache
from math import prod
from typing import Annotated, Any, Self

import orjson
from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from lossapi import allowance
from lossapi.codecs.inference_data import DATATYPES
from lossapi.codecs.tensors import MOST_SIZE
from lossapi.errors import DtypeError, ParameterError, ShapeError, Unreadable
from lossapi.parameters import as_error

Size = Annotated[int, Ge(0), Le(2**63 - 1)]
Unsigned = Annotated[int, Ge(0), Le(2**64 - 1)]
STRICT = ConfigDict(strict=True, frozen=True)
RESERVED = ("sequence_id", "sequence_start", "sequence_end", "headers")
RESERVED_PREFIX = "triton_"
SHORT = 1024


class Placed(BaseModel):
    """Where bytes lie in a registered region of shared memory, if they do."""

    model_config = STRICT

    shared_memory_region: str | None = None
    shared_memory_byte_size: Size | None = None
    shared_memory_offset: Size = 0

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.shared_memory_region is None) != (self.shared_memory_byte_size is None):
            raise ParameterError("shared_memory_region and shared_memory_byte_size together", "one of them")
        return self


class InputFlags(Placed):
    """What is read of the parameters of a tensor that comes; others are other servers' and are let pass."""

    binary_data_size: Size | None = None


class OutputFlags(Placed):
    """What is read of the parameters of a tensor that is asked for."""

    binary_data: bool | None = None
    classification: Any = None


class InputHeader(BaseModel):
    """One tensor that comes."""

    model_config = STRICT

    name: str
    datatype: str
    shape: list[Size]
    parameters: InputFlags = InputFlags()
    data: Any = None

    @field_validator("datatype")
    @classmethod
    def _known(cls, datatype: str) -> str:
        if datatype not in DATATYPES:
            raise DtypeError(f"datatype one of {', '.join(DATATYPES)}", repr(datatype))
        return datatype

    @field_validator("shape")
    @classmethod
    def _possible(cls, shape: list[int]) -> list[int]:
        """One size of 0 does not hide how large the others are."""
        allowance.current().require_shape(shape)
        if prod(n or 1 for n in shape) > MOST_SIZE:
            raise ShapeError("a shape that an array can have", str(shape))
        return shape

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.data, self.parameters.binary_data_size, self.parameters.shared_memory_region)
        if ways.count(None) != len(ways) - 1:
            wanted = f"input {self.name} with one of data, binary_data_size and shared_memory_region"
            raise ParameterError(wanted, f"{len(ways) - ways.count(None)} of them")
        return self


class OutputHeader(BaseModel):
    """One tensor that is asked for."""

    model_config = STRICT

    name: str
    parameters: OutputFlags = OutputFlags()


class Parameters(BaseModel):
    """The protocol's own parameters; what else is given goes to the model."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    timeout: Unsigned | None = None
    priority: Unsigned | None = None
    binary_data_output: bool = False


class Header(BaseModel):
    """The whole."""

    model_config = STRICT

    id: str | None = None
    parameters: Parameters = Parameters()
    inputs: list[InputHeader]
    outputs: list[OutputHeader] | None = None


def read_header(text: memoryview) -> Header:
    """The header of a request, or what is wrong with it; short ones are mostly as they were before."""
    return _met(bytes(text)) if len(text) <= SHORT else _read(text)


def _read(text: memoryview | bytes) -> Header:
    try:
        header = Header.model_validate(parsed(text))
    except ValidationError as error:
        raise as_error(error, Header.model_fields) from None
    for name in header.parameters.model_extra or {}:
        if name in RESERVED or name.startswith(RESERVED_PREFIX):
            raise ParameterError("parameters of the model", f"{name!r}, which is reserved", ("parameters", name))
    return header


_met = lru_cache(256)(_read)


def parsed(text: memoryview | bytes) -> Any:
    """The JSON value, bare NaN and Infinity among it, as clients of this protocol write them."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        whole = bytes(text)
        if b"NaN" not in whole and b"Infinity" not in whole:
            raise Unreadable("a JSON header", str(error)) from None
    try:
        return tolerant.loads(whole)
    except (ValueError, RecursionError) as error:
        raise Unreadable("a JSON header", str(error)) from None
