"""Optional values of a data set: what is against the rules is passed over and noted, and never condemns the image."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom import DataElement, Dataset
from pydicom.sequence import Sequence

from carpal.imaging.dicom_values import OptionalValues


def values(**given: Any) -> OptionalValues:
    ds = Dataset()
    for keyword, value in given.items():
        setattr(ds, keyword, value)
    return OptionalValues(ds)


def test_a_value_that_is_absent_or_empty_is_not_noted():
    given = values(ViewPosition="", PixelSpacing=None)
    assert (given.text("ViewPosition"), given.text("Laterality"), given.joined("PatientOrientation")) == ("", "", "")
    assert (given.numbers("PixelSpacing"), given.number("WindowWidth")) == ([], None)
    assert given.irregularities == ()


def test_the_first_of_several_texts_is_used_and_the_tag_noted():
    given = values(ViewPosition=["AP", "LL"], PatientOrientation=["L", "F"])
    assert given.text("ViewPosition") == "AP"
    assert given.joined("PatientOrientation") == "L\\F"
    assert given.irregularities == ("(0018,5101) ViewPosition: more than one value, the first is used",)


@pytest.mark.parametrize("value", ["0,143", "abc", ["0.1", "x"], "nan", "inf", "1e999", b"\xff"])
def test_what_is_no_number_is_noted_without_its_value(value: Any):
    ds = Dataset()
    ds.add(DataElement("PixelSpacing", "OB" if isinstance(value, bytes) else "LO", value))
    given = OptionalValues(ds)
    assert given.numbers("PixelSpacing") == []
    assert given.number("PixelSpacing") is None
    assert given.irregularities == ("(0028,0030) PixelSpacing: not a number",)


def test_a_sequence_in_place_of_a_value_is_noted():
    ds = Dataset()
    ds.add(DataElement("Laterality", "SQ", Sequence([Dataset()])))
    given = OptionalValues(ds)
    assert (given.text("Laterality"), given.numbers("Laterality")) == ("", [])
    assert given.irregularities == ("(0020,0060) Laterality: a sequence in its place",)


def test_a_broken_table_is_noted_and_memory_errors_are_not_hidden():
    given = values()

    def fails(failure: Exception) -> None:
        raise failure

    assert given.attempt("VOILUTSequence", lambda: fails(KeyError("x"))) is None
    assert given.noted("VOILUTSequence")
    assert not given.noted("WindowWidth")
    with pytest.raises(MemoryError):
        given.attempt("VOILUTSequence", lambda: fails(MemoryError()))


def test_each_irregularity_is_named_once():
    given = values(ViewPosition=["AP", "LL"])
    given.text("ViewPosition")
    given.text("ViewPosition")
    assert len(given.irregularities) == 1
