import re

import numpy as np
import pytest

from carpal.imaging.stem import parse_stem
from carpal.phantoms.fractures import Fracture
from carpal.phantoms.study import Study, patient_of, study_of


def with_fractures(*fractures: Fracture) -> Study:
    patient, _ = patient_of(0, 0)
    return Study(0, patient, 1, 9.0, (1, 2), tuple((f, (True, True)) for f in fractures), False, 0.0, False)


def fracture(bone, pattern) -> Fracture:
    return Fracture(bone, pattern, 10.0, 1, 0.5, 0.0, 0.0)


def test_a_patient_has_one_to_three_studies_in_order():
    seen: dict[int, list[int]] = {}
    for number in range(120):
        patient, within = patient_of(4, number)
        seen.setdefault(patient.number, []).append(within)
    assert sorted(seen) == list(range(1, 61))
    assert {len(studies) for studies in seen.values()} == {1, 2, 3}
    assert all(studies == list(range(1, len(studies) + 1)) for studies in seen.values())


def test_a_patient_is_the_same_child_in_every_study():
    for number in range(40):
        patient, within = patient_of(4, number)
        if within > 1:
            before = study_of(4, number - 1, "balanced")
            assert before.patient == patient
            assert study_of(4, number, "balanced").age >= before.age


def test_stems_are_named_as_in_the_dataset_and_are_unique():
    stems = [study_of(1, number, "graz").stem(view) for number in range(200) for view in (0, 1)]
    assert len(set(stems)) == 400
    for number, stem in enumerate(stems):
        parsed = parse_stem(stem)
        assert parsed is not None
        assert parsed.projection == ("AP", "LATERAL")[number % 2]


def test_ages_and_sexes_are_about_the_datasets():
    """dataset.csv: mean age 10.92, 59 % male, 55 % left."""
    patients = [patient_of(2, 6 * block)[0] for block in range(600)]
    assert np.mean([p.age for p in patients]) == pytest.approx(10.9, abs=0.5)
    assert np.mean([p.sex == "M" for p in patients]) == pytest.approx(0.59, abs=0.06)
    assert np.mean([p.side == "L" for p in patients]) == pytest.approx(0.55, abs=0.06)


@pytest.mark.parametrize(
    ("fractures", "code"),
    [
        ([], ""),
        ([("radius", "torus")], "23r-M/2.1"),
        ([("radius", "oblique")], "23r-M/3.1"),
        ([("radius", "torus"), ("ulna", "greenstick")], "23-M/2.1"),
        ([("radius", "transverse"), ("ulna", "torus")], "23-M/3.1"),
        ([("radius", "torus"), ("ulna", "styloid")], "23r-M/2.1; 23u-E/7"),
        ([("radius", "salter")], "23r-E/2.1"),
    ],
)
def test_the_ao_code_is_that_of_the_drawn_fracture(fractures, code: str):
    assert with_fractures(*(fracture(*f) for f in fractures)).ao() == code


def test_a_study_depends_on_its_number_alone():
    assert study_of(3, 17, "balanced") == study_of(3, 17, "balanced")
    assert study_of(3, 17, "balanced") != study_of(3, 18, "balanced")
    assert re.fullmatch(r"\d{4}_\d{10}_0[123]_WRI-[LR]2_[MF]\d{3}", study_of(3, 17, "balanced").stem(1))
