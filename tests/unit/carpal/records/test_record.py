"""The record is closed, versioned and says whether it was computed."""

from __future__ import annotations

from typing import Any

import pytest

from carpal.errors import ConfigError
from carpal.records.record import Record

DIGEST = "sha256:" + "a" * 64


def plain(**changes: Any) -> dict[str, Any]:
    return {
        "schema": "carpal.record/v1",
        "id": "0",
        "source": {"digest": DIGEST, "media_type": "image/png", "width_px": 4, "height_px": 3, "bits": 16},
        "quality": {"sharpness": 0, "noise": 0, "clipped_share": 0, "padded_share": 0, "exposure": 0},
        "findings": [],
        "conclusions": [],
        "model": {
            "name": "tiny",
            "version": "1",
            "digest": DIGEST,
            "variant": "model.onnx",
            "engine": "emulated",
            "engine_version": "1",
            "precision": "float32",
        },
        "preprocessing_digest": DIGEST,
        "timings": {},
        **changes,
    }


def test_a_record_survives_json_under_its_published_name():
    record = Record.parse(plain(), source="here")
    assert b'"schema":"carpal.record/v1"' in record.to_json()
    assert Record.parse_json(record.to_json(), source="here") == record


def test_another_schema_is_refused():
    with pytest.raises(ConfigError, match="schema"):
        Record.parse(plain(schema="carpal.record/v2"), source="here")


def test_a_record_starts_unreviewed_and_is_never_a_medical_device():
    record = Record.parse(plain(), source="here")
    assert record.review.state == "unreviewed"
    assert record.not_a_medical_device is True
    with pytest.raises(ConfigError, match="not_a_medical_device"):
        Record.parse(plain(not_a_medical_device=False), source="here")


@pytest.mark.parametrize("probability", [-0.01, 1.01])
def test_a_probability_outside_zero_to_one_is_refused(probability):
    finding = {
        "label": "x",
        "box": {"x0": 0, "y0": 0, "x1": 1, "y1": 1},
        "probability": probability,
        "status": "possible",
    }
    with pytest.raises(ConfigError, match="probability"):
        Record.parse(plain(findings=[finding]), source="here")


def test_a_digest_that_is_no_sha256_is_refused():
    with pytest.raises(ConfigError, match="preprocessing_digest"):
        Record.parse(plain(preprocessing_digest="md5:1"), source="here")
