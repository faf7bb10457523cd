from pathlib import Path

import pytest

from carpal_training.data.fracatlas_table import COLUMNS, exam_of_facts, number_of, read_facts
from carpal_training.data.groups import groups_of
from carpal_training.errors import TableInvalidError

NONE = dict.fromkeys(COLUMNS, "0")


def write(folder: Path, *rows: tuple[str, dict[str, str]]) -> Path:
    lines = [",".join((name, *(cells[column] for column in COLUMNS))) for name, cells in rows]
    path = folder / "dataset.csv"
    path.write_text("\n".join([",".join(("image_id", *COLUMNS)), *lines]))
    return path


@pytest.mark.parametrize(
    ("flags", "body_part"),
    [((), "not known"), (("hip",), "hip"), (("hand", "shoulder", "mixed"), "mixed"), (("hand", "leg"), "mixed")],
)
def test_exam_of_facts_names_the_body_part(flags: tuple[str, ...], body_part: str) -> None:
    exam = exam_of_facts({**NONE, **dict.fromkeys(flags, "1")}, "block-0001")
    assert groups_of(exam)["body part"] == body_part
    assert exam.patient == "block-0001"


def test_exam_of_facts_has_one_dimension_per_fact() -> None:
    exam = exam_of_facts({**NONE, "hardware": "1", "lateral": "1", "fractured": "1"}, "g")
    assert exam.seen == (("fracture", True),)
    assert exam.groups[1:] == (
        ("hardware", "with hardware"), ("multiscan", "one view"), ("frontal view", "no"), ("lateral view", "yes"),
        ("oblique view", "no"),
    )  # fmt: skip


def test_read_facts_has_rows_by_stem(tmp_path: Path) -> None:
    assert list(read_facts(write(tmp_path, ("IMG0000003.jpg", NONE)), "image_id")) == ["IMG0000003"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((("IMG1.jpg", NONE), ("IMG1.jpg", NONE)), "line 3: IMG1 has a row before"),
        ((("image.jpg", NONE),), "line 2: 'image' does not end with a number"),
        ((("IMG1.jpg", {**NONE, "hip": "yes"}),), "line 2: hip is 'yes', not 0 or 1"),
    ],
)
def test_read_facts_refuses_invalid_rows(
    tmp_path: Path, rows: tuple[tuple[str, dict[str, str]], ...], message: str
) -> None:
    with pytest.raises(TableInvalidError, match=message):
        read_facts(write(tmp_path, *rows), "image_id")


def test_number_of_is_the_number_at_the_end() -> None:
    assert number_of("IMG0000019") == 19
    with pytest.raises(ValueError, match="does not end with a number"):
        number_of("IMG")
