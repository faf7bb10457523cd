"""The copy of a run on a server that speaks S3: what is written over, fetched, and not there."""

from __future__ import annotations

import pytest

from carpal.packages.bucket import Bucket
from carpal_training.backup import BucketPlace, open_place


def test_a_file_is_replaced_and_comes_back_as_it_was_last(client, bucket, tmp_path):
    place = BucketPlace(Bucket(client, bucket), "runs/a")
    source, target = tmp_path / "last.pt", tmp_path / "fetched/last.pt"
    target.parent.mkdir()
    for body in (b"first", b"second"):
        source.write_bytes(body)
        place.put(source)
    assert place.get(target)
    assert target.read_bytes() == b"second"
    assert place.get(target)  # what is there already is written over
    assert not place.get(tmp_path / "fetched/best.pt")
    assert not (tmp_path / "fetched/best.pt").exists()
    assert [item["Key"] for item in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["runs/a/last.pt"]


def test_an_address_finds_the_same_place(client, bucket, tmp_path):
    (tmp_path / "last.pt").write_bytes(b"body")
    BucketPlace(Bucket(client, bucket), "runs/b").put(tmp_path / "last.pt")
    (tmp_path / "other").mkdir()
    assert open_place(f"s3://{bucket}/runs/b/").get(tmp_path / "other/last.pt")


def test_a_bucket_that_is_not_there_is_said(client, tmp_path):
    (tmp_path / "last.pt").write_bytes(b"body")
    with pytest.raises(Exception, match="There is no bucket"):
        BucketPlace(Bucket(client, "nowhere"), "").put(tmp_path / "last.pt")
