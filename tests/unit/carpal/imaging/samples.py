"""Files of pydicom's own tests and of the package pydicom-data, and JPEG streams."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.data import get_testdata_file


def sample(name: str) -> Path:
    """One of them; nothing is fetched."""
    found = get_testdata_file(name, download=False)
    if found is None:
        pytest.skip(f"{name} is not here: the package pydicom-data is not installed")
    return Path(str(found))


FORMS = {
    "baseline": [cv2.IMWRITE_JPEG_QUALITY, 90],
    "progressive": [cv2.IMWRITE_JPEG_QUALITY, 75, cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    "restarts": [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_RST_INTERVAL, 8],
}


def jpeg(form: str = "baseline", *, colour: bool = False, seed: int = 0) -> bytes:
    """A JPEG of 240 x 300 px."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (25, 20, 3) if colour else (25, 20)).astype(np.uint8)
    return cv2.imencode(".jpg", cv2.resize(coarse, (240, 300), interpolation=cv2.INTER_CUBIC), FORMS[form])[1].tobytes()


def scan(body: bytes) -> int:
    """Where the entropy-coded data of the first scan begins."""
    place = body.index(b"\xff\xda")
    return place + 2 + int.from_bytes(body[place + 2 : place + 4], "big")
