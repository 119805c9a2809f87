"""The NumPy backend: a kernel called on one chunk; the engine has floating-point warnings off."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lossapi.domains import Array
from lossapi.signature import Function

NAME = "numpy"
PROVIDER = "CPUExecutionProvider"
# glibc hands blocks over its threshold back to the system when they are freed, and faults them in anew at the next
# chunk: that costs more than the arithmetic. Freeing one of nearly 32 MiB raises the threshold to there (mallopt(3)).
_ = np.empty(32_000_000, np.uint8)
del _


def run(function: Function, tensors: Mapping[str, Array | None], parameters: Mapping[str, Any]) -> Any:
    """What a map or a reading gives for these arrays."""
    return function(*tensors.values(), **parameters)
