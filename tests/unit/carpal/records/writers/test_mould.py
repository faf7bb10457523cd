from __future__ import annotations

from io import BytesIO

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from carpal.records.writers import mould
from carpal.records.writers.mould import Mould

WHERE = Tag("ReferencedSOPInstanceUID")


def sample(uid: str = "2.25.1", name: str = "Müller") -> Dataset:
    inner = Dataset()
    inner.ReferencedSOPInstanceUID = uid
    outer = Dataset()
    outer.PatientName = name
    outer.ReferencedSOPSequence = [inner, inner]
    return outer


def decoded(body: bytes) -> Dataset:
    head = mould.text(0x00080005, "CS", mould.CHARACTER_SET)
    return pydicom.dcmread(BytesIO(head + body), force=True)


def test_a_filled_mould_reads_as_if_the_value_had_been_encoded():
    made = Mould(mould.encode_dataset(sample()), {"image": mould.uid(WHERE, "2.25.1")})
    filled = made.fill({"image": mould.uid(WHERE, "1.2.840.99999.1")})
    assert filled == mould.encode_dataset(sample("1.2.840.99999.1"))


def test_text_is_written_as_utf_8():
    assert str(decoded(mould.encode_dataset(sample(name="Żółć^Ola"))).PatientName) == "Żółć^Ola"


def test_sequences_may_be_empty():
    ds = Dataset()
    ds.ReferencedSOPSequence = []
    assert list(decoded(mould.encode_dataset(ds)).ReferencedSOPSequence) == []


@pytest.mark.parametrize("value", ["1.2", "1.2.3"])
def test_elements_are_of_even_length_and_read_back(value: str):
    body = mould.uid(WHERE, value) + mould.text(0x0040A160, "UT", value) + mould.text(0x0040A30A, "DS", "0.5")
    read = decoded(body)
    assert len(body) % 2 == 0
    assert (read.ReferencedSOPInstanceUID, read.TextValue, float(read.NumericValue)) == (value, value, 0.5)


def test_floats_keep_all_their_bits():
    read = decoded(mould.floats(0x0040A161, "FD", 0.1) + mould.floats(0x00700022, "FL", 0.5, 1.25))
    assert read.FloatingPointValue == 0.1
    assert list(read.GraphicData) == [0.5, 1.25]


def test_a_hole_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="image"):
        Mould(b"nothing", {"image": b"some"})


def test_a_hole_without_a_value_is_refused():
    with pytest.raises(KeyError, match="image"):
        Mould(b"a hole", {"image": b"hole"}).fill({})


def test_content_without_holes_stays_as_it_is():
    assert Mould(b"as it is", {}).fill({}) == b"as it is"
