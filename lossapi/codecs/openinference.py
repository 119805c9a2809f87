"""The Open Inference Protocol's bytes ⇄ named arrays: a JSON header, then the binary tensors in its order.

A tensor comes as `data` in the header, as bytes behind it, or in shared memory; bytes become arrays without a copy
where they are aligned. Bytes are little-endian, in C order, without padding.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple, Protocol

import orjson

from lossapi.codecs import json
from lossapi.codecs.codec import Limits, NonFinite
from lossapi.codecs.inference_data import DATATYPES, as_array, as_bytes, datatype_of, from_json
from lossapi.codecs.inference_header import InputHeader, OutputHeader, Placed, read_header
from lossapi.codecs.tensors import DTYPES
from lossapi.domains import Array
from lossapi.errors import ParameterError, Unreadable, Unsupported


class Regions(Protocol):
    """Shared memory that clients have registered."""

    def read(self, name: str, offset: int, size: int) -> memoryview:
        """Bytes of a region."""

    def write(self, name: str, offset: int, size: int, data: memoryview) -> None:
        """Put bytes into a region, where `size` of them may be put."""


class Wanted(NamedTuple):
    """One output asked for, and where it is to go."""

    name: str
    binary: bool
    placed: Placed


class Inference(NamedTuple):
    """One request: tensors and parameters by name, and the outputs wanted (all, unless some are listed)."""

    tensors: Mapping[str, Array]
    parameters: Mapping[str, Any]
    outputs: tuple[Wanted, ...] = ()
    binary: bool = False
    id: str | None = None
    timeout: int = 0

    @property
    def batch(self) -> int:
        """How many rows it brings, by the first axis of its first tensor."""
        first = next(iter(self.tensors.values()), None)
        return first.shape[0] if first is not None and first.ndim else 1


def decode(body: memoryview, header_length: int, regions: Regions, limits: Limits) -> Inference:
    """A request whose first bytes are the header; the limit on a body holds for what it brings from regions too."""
    if not 0 < header_length <= len(body):
        wanted = f"a header of 1 to {len(body)} bytes (Inference-Header-Content-Length)"
        raise Unreadable(wanted if len(body) else "a body", str(header_length) if len(body) else "nothing")
    header = read_header(body[:header_length])
    blobs = Blobs(body[header_length:], regions, limits)
    tensors: dict[str, Array] = {}
    for index, each in enumerate(header.inputs):
        if each.name in tensors:
            raise ParameterError(f"input {each.name} once", "more than once", ("inputs", index, "name"))
        tensors[each.name] = blobs.tensor(each)
    blobs.require_end()
    binary = header.parameters.binary_data_output
    return Inference(
        tensors,
        header.parameters.model_extra or {},
        _wanted(header.outputs or [], binary),
        binary,
        header.id,
        header.parameters.timeout or 0,
    )


def decode_raw(body: memoryview, name: str, datatype: str, shape: Sequence[int]) -> Inference:
    """A request without a header: the bytes of the only tensor, all outputs asked for in binary."""
    itemsize = DTYPES[DATATYPES[datatype]].itemsize
    known = prod(n for n in shape if n >= 0) * itemsize
    if len(body) % known:
        raise Unreadable(f"a multiple of {known} bytes, which are {datatype}", f"{len(body)} bytes", ("inputs", name))
    sizes = [len(body) // known if n < 0 else n for n in shape]
    return Inference({name: as_array(name, datatype, sizes, body)}, {}, binary=True)


def _wanted(outputs: Sequence[OutputHeader], binary: bool) -> tuple[Wanted, ...]:
    """The outputs listed; each may say for itself whether it is to be binary."""
    wanted: list[Wanted] = []
    for index, each in enumerate(outputs):
        flags = each.parameters
        if flags.classification is not None:
            place = ("outputs", index, "parameters", "classification")
            raise Unsupported("an output as it is (no class labels are known here)", "classification", place)
        if each.name in {other.name for other in wanted}:
            raise ParameterError(f"output {each.name} once", "more than once", ("outputs", index, "name"))
        wanted.append(Wanted(each.name, binary if flags.binary_data is None else flags.binary_data, flags))
    return tuple(wanted)


class Blobs:
    """The bytes behind the header, taken off from the front."""

    def __init__(self, rest: memoryview, regions: Regions, limits: Limits) -> None:
        self.rest = rest
        self.regions = regions
        self.limits = limits
        self.shared = 0

    def tensor(self, header: InputHeader) -> Array:
        """One input from wherever its header says that it is."""
        if header.data is not None:
            return from_json(header.name, header.datatype, header.shape, header.data)
        return as_array(header.name, header.datatype, header.shape, self._taken(header))

    def _taken(self, header: InputHeader) -> memoryview:
        """The bytes of one input, from the body or from shared memory."""
        flags = header.parameters
        if flags.shared_memory_region is not None:
            size = flags.shared_memory_byte_size or 0
            self.shared += size
            if self.shared > self.limits.unfolded:
                raise self.limits.over(self.shared)
            return self.regions.read(flags.shared_memory_region, flags.shared_memory_offset, size)
        size = flags.binary_data_size or 0
        if size > len(self.rest):
            raise Unreadable(f"{size} bytes for input {header.name}", f"{len(self.rest)} left", ("inputs", header.name))
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def require_end(self) -> None:
        """Nothing may be left."""
        if len(self.rest):
            raise Unreadable("the tensors' bytes and no more", f"{len(self.rest)} bytes left over")


class Encoded(NamedTuple):
    """A reply: how long its header is where binary tensors follow, and its bytes in parts, arrays uncopied."""

    header_length: int | None
    parts: Sequence[bytes | memoryview]


def encode(
    head: Mapping[str, Any],
    arrays: Mapping[str, Array],
    wanted: Sequence[Wanted],
    regions: Regions,
    nonfinite: NonFinite,
) -> Encoded:
    """The reply: `head`, then the outputs wanted, each in JSON, in binary or in shared memory."""
    outputs: list[dict[str, Any]] = []
    blobs: list[memoryview] = []
    for each in wanted:
        array = arrays[each.name]
        output = {"name": each.name, "datatype": datatype_of(array), "shape": list(array.shape)}
        if each.placed.shared_memory_region is not None:
            outputs.append({**output, "parameters": _put(as_bytes(array), each.placed, regions)})
        elif each.binary:
            blobs.append(as_bytes(array))
            outputs.append({**output, "parameters": {"binary_data_size": len(blobs[-1])}})
        else:
            flat = array.reshape(-1)
            outputs.append({**output, "data": [each.decode() for each in flat] if flat.dtype == object else flat})
    whole = {**head, "outputs": outputs}
    # What has no tensor in it needs no look at every value.
    header = json.encode(whole, nonfinite) if len(blobs) < len(wanted) else orjson.dumps(whole)
    return Encoded(len(header) if blobs else None, (header, *blobs))


def _put(data: memoryview, placed: Placed, regions: Regions) -> dict[str, Any]:
    """Put an output into shared memory, and say where."""
    name, offset = placed.shared_memory_region or "", placed.shared_memory_offset
    regions.write(name, offset, placed.shared_memory_byte_size or 0, data)
    where = {"shared_memory_region": name, "shared_memory_byte_size": len(data)}
    return {**where, **({"shared_memory_offset": offset} if offset else {})}
