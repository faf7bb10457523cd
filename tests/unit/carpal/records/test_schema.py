"""The written schemas: real documents pass, wrong ones do not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from carpal.detection.detector import Detector
from carpal.packages.manifest import Manifest
from carpal.records.record import Record
from carpal.records.schema import DOCUMENTS, render, schema_of, write_schemas


@pytest.mark.parametrize("document", DOCUMENTS.values())
def test_the_schema_is_one(document: type[Any]):
    jsonschema.Draft202012Validator.check_schema(schema_of(document))


def test_a_real_record_passes(detector: Detector, grey_png: Callable[..., bytes]):
    record = json.loads(detector.detect(grey_png(), name="0001_1297860395_01_WRI-L1_M014").to_json())
    jsonschema.validate(record, schema_of(Record))


def test_a_real_manifest_passes(tiny_manifest: Manifest):
    jsonschema.validate(json.loads(tiny_manifest.to_json()), schema_of(Manifest))


@pytest.mark.parametrize("change", [{"extra": 1}, {"schema": "carpal.record/v2"}, {"findings": None}, {"source": {}}])
def test_a_record_against_the_schema_does_not(
    detector: Detector, grey_png: Callable[..., bytes], change: dict[str, Any]
):
    record = json.loads(detector.detect(grey_png()).to_json()) | change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(record, schema_of(Record))


def test_the_files_are_written_under_their_names(tmp_path: Path):
    assert [path.name for path in write_schemas(tmp_path / "new")] == list(DOCUMENTS)
    assert (tmp_path / "new" / "record.v1.schema.json").read_bytes() == render(Record)


def test_the_module_is_a_command(tmp_path: Path):
    command = [sys.executable, "-m", "carpal.records.schema", str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [str(tmp_path / name) for name in DOCUMENTS]
