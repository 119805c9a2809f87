"""The NumPy backend: a kernel called on one chunk, floating-point warnings off (NaN and infinities are results)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lossapi.definition import Function
from lossapi.domains import Array

NAME = "numpy"
PROVIDER = "CPUExecutionProvider"


def run(function: Function, tensors: Mapping[str, Array | None], parameters: Mapping[str, Any]) -> Any:
    """What a map or a reading gives for these arrays."""
    with np.errstate(all="ignore"):
        return function(*tensors.values(), **parameters)
