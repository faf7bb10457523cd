"""The UIDs of an image: its own, or made from its digest."""

from __future__ import annotations

import uuid

import pytest
from pydicom.uid import UID

from carpal.records.identity import IDENTITY_NAMESPACE, dicom_identity, is_uid, synthetic_uid
from carpal.records.record import Source

OWN = {"study_instance_uid": "1.2.3", "series_instance_uid": "1.2.3.4", "sop_instance_uid": "1.2.3.4.5"}


def source(digit: str = "a", **uids: str | None) -> Source:
    return Source(digest=f"sha256:{digit * 64}", media_type="image/png", width_px=10, height_px=10, bits=16, **uids)


def test_a_dicom_image_keeps_its_own_uids():
    identity = dicom_identity(source(**OWN))
    assert (identity.study_uid, identity.series_uid, identity.sop_uid) == ("1.2.3", "1.2.3.4", "1.2.3.4.5")
    assert not identity.synthetic


def test_an_image_without_uids_gets_three_valid_ones_that_differ():
    identity = dicom_identity(source())
    uids = {identity.study_uid, identity.series_uid, identity.sop_uid}
    assert identity.synthetic
    assert len(uids) == 3
    assert all(UID(uid).is_valid and uid.startswith("2.25.") for uid in uids)


def test_the_same_bytes_give_the_same_uids_and_others_give_others():
    assert dicom_identity(source("a")) == dicom_identity(source("a"))
    assert dicom_identity(source("a")).sop_uid != dicom_identity(source("b")).sop_uid


@pytest.mark.parametrize("bad", ["", "1.2.x", "1..2", "1.2.", "1.2\n", "1" * 65, "../etc"])
def test_a_uid_that_no_archive_takes_is_replaced(bad: str):
    identity = dicom_identity(source(**{**OWN, "series_instance_uid": bad}))
    assert identity.synthetic
    assert identity.series_uid == synthetic_uid(source().digest, "series")
    assert identity.sop_uid == OWN["sop_instance_uid"]


def test_a_leading_zero_is_kept_because_archives_keep_it():
    assert is_uid("1.2.003")


def test_the_name_space_can_be_made_again_by_anybody():
    assert uuid.uuid5(uuid.NAMESPACE_URL, "carpal:identity") == IDENTITY_NAMESPACE
    assert synthetic_uid("a", "b") == f"2.25.{uuid.uuid5(IDENTITY_NAMESPACE, 'a|b').int}"
