"""Names in the form of GRAZPEDWRI-DX."""

from __future__ import annotations

import pytest

from carpal.imaging.stem import Stem, parse_stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("0001_1297860395_01_WRI-L1_M014", Stem("0001", 1, "L", "AP")),
        ("6091_0000000001_12_WRI-R2_F003", Stem("6091", 12, "R", "LATERAL")),
        ("0412_1297860395_02_WRI-R3_O010", Stem("0412", 2, "R", "OBLIQUE")),
    ],
)
def test_a_name_of_the_dataset_says_patient_study_side_and_projection(name: str, stem: Stem):
    assert parse_stem(name) == stem


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "wrist",
        "0001_1297860395_01_WRI-L1_M014x",
        "001_1297860395_01_WRI-L1_M014",
        "0001_1297860395_01_WRI-L4_M014",
    ],
)
def test_any_other_name_says_nothing(name: str | None):
    assert parse_stem(name) is None
