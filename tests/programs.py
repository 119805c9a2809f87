"""Programs of the system that tests drive."""

import os
import shutil

import pytest

EVERY_TEST = "EVERY_TEST"
"""Set where all of them have to be there, as `.ci/run` does after it has installed them."""


def require(program: str, package: str) -> None:
    """Leave a test out where a program is missing that takes root to install; never where every test is to run.

    `make test` installs what it needs into its own folder alone, on any machine; `.ci/run` installs these first.
    """
    if shutil.which(program) is None:
        assert EVERY_TEST not in os.environ, f"{program} is missing (apt-get install {package})"
        pytest.skip(f"needs {program}, a system package that takes root: apt-get install {package}; CI runs this test")
