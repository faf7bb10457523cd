"""What to do about a program that is not here: skip and give the reason, but not in ``.ci/run``, which installs it."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """End a test or a fixture that cannot run without a program."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; it should have been installed before")
    pytest.skip(reason)
