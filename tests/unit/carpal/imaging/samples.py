"""Files of pydicom's own tests and of the package pydicom-data."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.data import get_testdata_file


def sample(name: str) -> Path:
    """One of them; nothing is fetched."""
    found = get_testdata_file(name, download=False)
    if found is None:
        pytest.skip(f"{name} is not here: the package pydicom-data is not installed")
    return Path(str(found))
