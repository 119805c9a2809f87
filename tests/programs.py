"""Programs that tests drive and pip cannot install."""

import os
import shutil

import pytest

EVERY_TEST = "EVERY_TEST"
"""Set where all of them have to be there, as `.ci/run` does after it has installed them."""


def require(program: str, package: str) -> None:
    """Leave a test out on a newcomer's machine that lacks a Debian package, never where every test is to run."""
    if shutil.which(program) is None:
        assert EVERY_TEST not in os.environ, f"{program} is missing (apt-get install {package})"
        pytest.skip(f"needs {program}, which pip cannot bring: apt-get install {package}; CI fails without")
