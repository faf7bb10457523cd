"""The tiny package opened, and a detector on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carpal.detection.detector import Detector, open_detector
from carpal.packages.package import Package, open_package

GRAZ = Path(__file__).resolve().parents[4] / "shared" / "data" / "graz" / "images"


@pytest.fixture(scope="session")
def tiny(tiny_package: Path) -> Package:
    """The tiny package, opened."""
    return open_package(tiny_package)


@pytest.fixture(scope="session")
def detector(tiny: Package) -> Iterator[Detector]:
    """A detector with one thread on the tiny package."""
    with open_detector(tiny, threads=1) as opened:
        yield opened


@pytest.fixture(scope="session")
def graz_images() -> list[Path]:
    """Five real 16-bit radiographs of GRAZPEDWRI-DX (Nagy et al. 2022, CC BY 4.0)."""
    found = sorted(GRAZ.glob("*.png"))
    if not found:
        pytest.skip("the real radiographs are not here: ../shared/data/graz/images is absent")
    return found
