from pathlib import Path

import pytest

from carpal.errors import UsageError
from carpal_training.data.exam import Exam
from carpal_training.data.issues import Issues
from carpal_training.data.patients import PatientRule, exams_of
from carpal_training.errors import PatientsUnknownError, TableInvalidError

STEM = "0004_0542630449_01_WRI-L1_M003"


@pytest.fixture
def issues() -> Issues:
    return Issues()


def test_names_of_the_known_form_say_it_themselves(issues: Issues) -> None:
    assert exams_of([STEM], PatientRule(), issues) == {STEM: Exam("4", study="1", laterality="L", projection="AP")}


def test_other_names_say_nothing_and_nothing_is_guessed(issues: Issues) -> None:
    with pytest.raises(PatientsUnknownError, match="whose image wrist1 is"):
        exams_of(["wrist1"], PatientRule(), issues)
    assert exams_of(["wrist1"], PatientRule(each_image=True), issues) == {"wrist1": Exam("wrist1")}


def test_a_pattern_finds_patient_and_study(issues: Issues) -> None:
    rule = PatientRule(pattern=r"(?P<patient>p\d+)_(?P<study>\d)")
    assert exams_of(["p12_3_a", "other"], rule, issues) == {"p12_3_a": Exam("p12", study="3")}
    assert [(issue.kind, issue.image) for issue in issues.found] == [("unknown-patient", "other")]


@pytest.mark.parametrize("pattern", ["(", r"\d+"])
def test_a_pattern_that_finds_no_patient_is_refused(issues: Issues, pattern: str) -> None:
    with pytest.raises(UsageError, match="--patient-pattern"):
        exams_of(["a"], PatientRule(pattern=pattern), issues)


def test_a_table_gives_all_facts(tmp_path: Path, issues: Issues) -> None:
    (tmp_path / "p.csv").write_text("filestem,patient_id,age,gender\na,x7,9.5,F\n")
    exams = exams_of(["a", "b"], PatientRule(table=tmp_path / "p.csv"), issues)
    assert exams == {"a": Exam("x7", age_years=9.5, sex="F")}
    assert [(issue.kind, issue.image) for issue in issues.found] == [("unknown-patient", "b")]
    (tmp_path / "p.csv").write_text("filestem,patient_id,age\na,x7,old\n")
    with pytest.raises(TableInvalidError, match="line 2"):
        exams_of(["a"], PatientRule(table=tmp_path / "p.csv"), issues)


def test_two_rules_at_once_are_refused() -> None:
    with pytest.raises(UsageError):
        PatientRule(pattern="(?P<patient>.)", each_image=True)


def test_a_table_of_groups_takes_the_place_of_patients(tmp_path: Path, issues: Issues) -> None:
    (tmp_path / "g.csv").write_text("filestem,group_id,group:site,age\na,x7,Graz,9.5\nb,x8,,\n")
    rule = PatientRule(groups=tmp_path / "g.csv")
    assert rule.unit == "group"
    assert exams_of(["a", "b"], rule, issues) == {
        "a": Exam("x7", age_years=9.5, groups=(("site", "Graz"),)),
        "b": Exam("x8", groups=(("site", "not known"),)),
    }
    (tmp_path / "g.csv").write_text("filestem,patient_id\na,x7\n")
    with pytest.raises(TableInvalidError, match="no column group_id"):
        exams_of(["a"], rule, issues)


def test_a_pattern_of_groups_takes_the_place_of_patients(issues: Issues) -> None:
    rule = PatientRule(group_pattern=r"(?P<group>b\d)?_")
    assert (rule.unit, rule.given, PatientRule().given, PatientRule(each_image=True).unit) == (
        "group", True, False, "patient",
    )  # fmt: skip
    assert exams_of(["b1_a", "_b"], rule, issues) == {"b1_a": Exam("b1")}
    assert [(issue.kind, issue.image) for issue in issues.found] == [("unknown-patient", "_b")]
    with pytest.raises(UsageError, match=r"--group-pattern .* has no group named group"):
        exams_of(["a"], PatientRule(group_pattern="(?P<patient>a)"), issues)


def test_an_image_with_two_rows_is_refused(tmp_path: Path, issues: Issues) -> None:
    (tmp_path / "p.csv").write_text("filestem,patient_id\na,x7\na,x8\n")
    with pytest.raises(TableInvalidError, match="line 3: a has a row before this one"):
        exams_of(["a"], PatientRule(table=tmp_path / "p.csv"), issues)
