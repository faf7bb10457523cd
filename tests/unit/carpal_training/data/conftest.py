"""Phantoms, which are written in the layout of GRAZPEDWRI-DX with all three forms of labels; and the real table."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal.phantoms.dataset import generate

GRAZ = Path(__file__).resolve().parents[5] / "shared/data/graz"


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve phantoms of three patients, 160 px high; read-only for tests, which copy what they change."""
    root = tmp_path_factory.mktemp("phantoms") / "set"
    generate(root, 12, seed=3, size_px=160)
    return root


@pytest.fixture(scope="session")
def graz() -> Path:
    """The real table and the published split."""
    if not (GRAZ / "dataset.csv.gz").is_file():
        pytest.skip("../shared/data/graz is not here: the real table does not travel with the repository")
    return GRAZ
