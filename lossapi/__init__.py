"""Losses and metrics as pure functions of arrays: the core of the lossapi service, usable on its own."""

from lossapi.engine import Call, Result, compute, run
from lossapi.errors import LossError
from lossapi.registry import find, names

__version__ = "0.1.0"
__all__ = ["Call", "LossError", "Result", "compute", "find", "names", "run"]
