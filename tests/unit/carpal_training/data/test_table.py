import gzip
from collections import Counter
from pathlib import Path

import pytest

from carpal.records.ao import parse_ao
from carpal_training.data.table import Row, exam_of, read_csv, read_table, whole
from carpal_training.errors import TableInvalidError


@pytest.fixture(scope="module")
def rows(graz: Path) -> list[Row]:
    return read_table(graz / "dataset.csv.gz")


def test_the_real_table_begins_with_a_mark_and_is_read_whole(graz: Path, rows: list[Row]) -> None:
    assert gzip.decompress((graz / "dataset.csv.gz").read_bytes()).startswith(b"\xef\xbb\xbf")
    assert len(rows) == 20327
    assert len({row.exam.patient for row in rows}) == 6091
    assert len({row.exam.study_key for row in rows}) == 10699


def test_zeros_that_the_time_hash_lost_are_put_back(rows: list[Row]) -> None:
    assert all(row.rebuilt == row.stem for row in rows)
    assert sum("_0" in row.stem[4:6] for row in rows) > 1000, "many hashes begin with a zero"


def test_all_three_sexes_occur(rows: list[Row]) -> None:
    assert Counter(row.exam.sex for row in rows) == {"M": 12040, "F": 8285, "O": 2}
    assert {row.exam.patient for row in rows if row.exam.sex == "O"} == {"412"}


def test_blank_flags_are_no(rows: list[Row]) -> None:
    counted = {name: sum(getattr(row.exam, name) for row in rows) for name in ("initial", "cast", "osteopenia")}
    assert counted == {"initial": 10861, "cast": 5776, "osteopenia": 2473}
    assert sum(dict(row.exam.seen)["fracture"] for row in rows) == 13550
    assert Counter(row.exam.projection for row in rows) == {"AP": 10086, "LATERAL": 10148, "OBLIQUE": 93}
    assert Counter(row.exam.device for row in rows) == {"Siemens": 20215, "Agfa": 112}


def test_dirty_ao_codes_stay_as_they_are_written(rows: list[Row]) -> None:
    assert len({row.exam.ao for row in rows}) == 108
    assert sum(any(code.repaired for code in parse_ao(row.exam.ao).codes) for row in rows) > 0
    assert sum(bool(parse_ao(row.exam.ao).unmatched) for row in rows) == 109


def test_ages_have_one_decimal(rows: list[Row]) -> None:
    ages = [row.exam.age_years for row in rows if row.exam.age_years is not None]
    assert (min(ages), max(ages)) == (0.2, 19.0)
    assert sum(ages) / len(ages) == pytest.approx(10.92, abs=0.01)


def test_numbers_may_have_gone_through_a_float() -> None:
    exam = exam_of({"patient_id": "7.0", "study_number": "2.0", "projection": "2.0", "cast": "1.0", "osteopenia": ""})
    assert (exam.patient, exam.study, exam.projection, exam.cast, exam.osteopenia) == ("7", "2", "LATERAL", True, False)
    assert exam.initial is None, "a column that is not there says nothing"


def test_a_patient_may_have_a_name_in_other_tables() -> None:
    assert exam_of({"patient_id": " p-7 "}).patient == "p-7"


@pytest.mark.parametrize("text", ["", "1.5", "one", "nan"])
def test_a_whole_number_is_one(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        whole(text)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("s,1,X,", "'X' is none of M, F, O"),
        ("s,1,M,2", "cast is '2'"),
        ("s,one,M,", "could not convert"),
        ("s,,M,", "could not convert"),
    ],
)
def test_a_wrong_cell_is_named_with_its_line(tmp_path: Path, cells: str, said: str) -> None:
    (tmp_path / "dataset.csv").write_text(f"filestem,patient_id,gender,cast\n{cells}\n")
    with pytest.raises(TableInvalidError, match=f"line 2: .*{said}"):
        read_table(tmp_path / "dataset.csv")


@pytest.mark.parametrize("body", [b"filestem,patient_id\n", b"a,b\n1,2\n", b"filestem,patient_id\ns,1\ns,1\n", b"\xff"])
def test_a_table_that_is_none_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "dataset.csv").write_bytes(body)
    with pytest.raises(TableInvalidError):
        read_table(tmp_path / "dataset.csv")


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.csv.gz").write_bytes(gzip.compress(b"filestem,patient_id\ns,1\n" * 50)[:-9])
    with pytest.raises(TableInvalidError, match="cannot be read"):
        read_table(tmp_path / "dataset.csv.gz")


def test_columns_of_groups_become_dimensions() -> None:
    row = {"patient_id": "7", "group:body part": " hand ", "group:site": ""}
    assert exam_of(row).groups == (("body part", "hand"), ("site", "not known"))


@pytest.mark.parametrize("column", ["group:", "group:view", "group:age (years)"])
def test_columns_of_groups_need_a_name_of_their_own(column: str) -> None:
    with pytest.raises(ValueError, match="needs a name of its own"):
        exam_of({"patient_id": "7", column: "a"})


def test_a_table_in_another_encoding_is_not_quoted_in_the_message(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes("filestem,patient_id\nimg,Müller\n".encode("latin-1"))
    with pytest.raises(TableInvalidError) as failure:
        read_csv(tmp_path / "p.csv", ("filestem",), TableInvalidError)
    assert "ller" not in str(failure.value)
