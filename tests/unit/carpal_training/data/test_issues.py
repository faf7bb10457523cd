from pathlib import Path

import pytest

from carpal.errors import DatasetError
from carpal_training.data.issues import KINDS, Issues
from carpal_training.errors import ImagesMissingError, LabelInvalidError


def test_the_gravest_error_is_raised_and_the_others_are_counted() -> None:
    issues = Issues()
    issues.add("bad-label", "b", "b.txt line 1", "class 9")
    for stem in "acde":
        issues.add("missing-image", stem, stem, "no image")
    with pytest.raises(
        ImagesMissingError, match=r"4 times missing-image, first a: .*; 1 errors of other kinds"
    ) as told:
        issues.refuse(Path("set"), Path("out/issues.csv"))
    assert "out/issues.csv" in told.value.remedy


def test_warnings_do_not_keep_training_from_starting() -> None:
    issues = Issues()
    issues.add("zero-size", "a", "a.txt line 1", "")
    issues.refuse(Path("set"))
    assert issues.counts() == {"zero-size": 1}


def test_every_error_has_a_leaf_and_every_kind_a_remedy() -> None:
    for name, kind in KINDS.items():
        assert (kind.error is not None) == (kind.severity == "error"), name
        assert kind.error is None or issubclass(kind.error, DatasetError)
        assert kind.meaning.endswith(".")
        assert kind.remedy.endswith(".")


def test_a_label_error_names_its_place() -> None:
    issues = Issues()
    issues.add("bad-label", "b", "b.txt line 3", "class 9; known are 0 to 8")
    with pytest.raises(LabelInvalidError, match=r"b\.txt line 3: class 9"):
        issues.refuse(Path("set"))
