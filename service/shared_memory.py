"""System shared memory that clients on this machine register, as Triton has it: tensors that cross no socket.

A region is a file of /dev/shm. It is read and written by position and never mapped: a client that cuts its file short
gets an error, where a mapping would end the server, and a tensor cannot change while it is computed.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException

from lossapi.errors import ParameterError, TooLarge, UnknownName
from lossapi.parameters import as_error
from service.settings import Settings, variable

FOLDER = Path("/dev/shm")
MOST_REGIONS = 1024
LONGEST_KEY = 255


class Registration(BaseModel):
    """What a client says of a region."""

    model_config = ConfigDict(strict=True, frozen=True)

    key: str
    offset: Annotated[int, Ge(0), Le(2**62)] = 0
    byte_size: Annotated[int, Gt(0), Le(2**62)]


class Region:
    """A part of an open file; the file is closed when nothing uses the region any more."""

    def __init__(self, registration: Registration) -> None:
        self.registration = registration
        self.file = opened(registration.key)
        self.require(0, registration.byte_size)

    def __del__(self) -> None:
        if hasattr(self, "file"):
            os.close(self.file)

    def require(self, offset: int, size: int) -> int:
        """Where in the file a part of the region begins; it must lie in the region, and the region in the file."""
        told = self.registration
        if offset + size > told.byte_size:
            raise ParameterError(f"a part of a region of {told.byte_size} bytes", f"{size} bytes from {offset} on")
        length = os.fstat(self.file).st_size
        if told.offset + offset + size > length:
            raise ParameterError(f"a file of {told.offset + offset + size} bytes or more", f"{length}", ("key",))
        return told.offset + offset


def opened(key: str) -> int:
    """The file of a key, which is a plain name: no way leads out of the folder, not by a link either."""
    name = key.removeprefix("/")
    if not name or name in (".", "..") or "/" in name or "\0" in name or len(name.encode()) > LONGEST_KEY:
        raise ParameterError(f"key as the name of a file in {FOLDER}", repr(key), ("key",))
    try:
        # Without waiting: a pipe of that name would have the server wait for its other end.
        file = os.open(FOLDER / name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ParameterError("the key of shared memory that can be opened", str(error.strerror), ("key",)) from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise ParameterError("the key of a regular file", repr(key), ("key",))
    return file


class Regions:
    """The regions of one server process, by the names that clients gave them."""

    def __init__(self, settings: Settings) -> None:
        self.enabled = settings.shared_memory and settings.workers == 1
        self.regions: dict[str, Region] = {}

    def require_enabled(self) -> None:
        """Refuse where they are off; with several processes a client could not know which one it told."""
        if not self.enabled:
            how = f"{variable('shared_memory')}=true and one worker turn it on"
            raise HTTPException(501, f"shared memory is off; {how}")

    def register(self, name: str, given: Mapping[str, Any]) -> None:
        """Open a region under a new name."""
        self.require_enabled()
        if name in self.regions:
            raise ParameterError("a region that is not registered yet", repr(name))
        if len(self.regions) >= MOST_REGIONS:
            raise TooLarge(f"at most {MOST_REGIONS} regions", "one more")
        try:
            registration = Registration.model_validate(given)
        except ValidationError as error:
            raise as_error(error, Registration.model_fields) from None
        self.regions[name] = Region(registration)

    def unregister(self, name: str | None) -> None:
        """Let go of one region, or of all; one that is not there is let go of already."""
        self.require_enabled()
        if name is None:
            self.regions.clear()
        else:
            self.regions.pop(name, None)

    def status(self, name: str | None) -> list[dict[str, Any]]:
        """What is registered."""
        self.require_enabled()
        chosen = self.regions if name is None else {name: self.find(name)}
        return [{"name": each, **region.registration.model_dump()} for each, region in chosen.items()]

    def find(self, name: str) -> Region:
        """One region."""
        self.require_enabled()
        if name not in self.regions:
            raise UnknownName("the name of a registered region", repr(name))
        return self.regions[name]

    def read(self, name: str, offset: int, size: int) -> memoryview:
        """Bytes of a region, as they are now."""
        region = self.find(name)
        start = region.require(offset, size)
        data, place = memoryview(bytearray(size)), 0
        while place < size:
            count = os.preadv(region.file, [data[place:]], start + place)
            if count == 0:
                raise ParameterError(f"{size} bytes in region {name}", f"{place}: its file was cut short")
            place += count
        return data

    def write(self, name: str, offset: int, size: int, data: memoryview) -> None:
        """Put bytes into a region, where `size` of them may be put."""
        region = self.find(name)
        start = region.require(offset, size)
        if len(data) > size:
            raise ParameterError(f"room for {len(data)} bytes in region {name}", f"{size}")
        place = 0
        while place < len(data):
            place += os.pwrite(region.file, data[place:], start + place)
