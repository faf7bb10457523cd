"""Who asked for what, without a word that names a patient."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

import pytest

from carpal.phantoms.dicom import dicom_bytes
from carpal.phantoms.drawing import draw
from carpal.records.record import Record
from carpal_detector.audit import Audit
from carpal_detector.served import Served


@pytest.fixture(scope="module")
def record(served: Served) -> Record:
    return served.detector.detect(dicom_bytes(draw(1, 0, size_px=96), seed=1), name="smith")


def fail(failure: OSError, again: bool) -> None:
    raise failure


def note(audit: Audit, request_id: str, *records: Record) -> None:
    audit.note(
        request_id=request_id, tenant="ward", model="tiny", digest="sha256:0", code="200", reason="ok", records=records
    )


def test_a_line_says_who_when_what_and_how_it_ended(tmp_path: Path, record: Record):
    audit = Audit(tmp_path / "audit", fail)
    note(audit, "7", record)
    audit.close()
    line = json.loads((tmp_path / "audit").read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert (line["tenant"], line["model"], line["code"]) == ("ward", "tiny", "200")
    assert line["images"] == [
        {
            "record": record.id,
            "source": record.source.digest,
            "study": line["images"][0]["study"],
            "findings": len(record.findings),
        }
    ]


def test_neither_a_name_nor_a_uid_is_in_it(tmp_path: Path, record: Record):
    audit = Audit(tmp_path / "audit", fail)
    note(audit, "7", record)
    text = (tmp_path / "audit").read_text()
    assert record.source.study_instance_uid
    for secret in ("smith", record.source.study_instance_uid, record.source.sop_instance_uid):
        assert str(secret) not in text
    assert "sha256:" in json.loads(text)["images"][0]["study"]


def test_what_is_there_stays_and_two_may_write(tmp_path: Path):
    path = tmp_path / "audit"
    path.write_text('{"first": true}\n')
    one, other = Audit(path, fail), Audit(path, fail)
    for number in range(50):
        note(one if number % 2 else other, str(number))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"first": True}
    assert [line["request_id"] for line in lines[1:]] == [str(number) for number in range(50)]


def test_only_its_owner_and_group_may_read_it(tmp_path: Path):
    Audit(tmp_path / "audit", fail).close()
    assert (tmp_path / "audit").stat().st_mode & 0o007 == 0


def test_a_line_that_cannot_be_written_is_told_and_fails_nobody():
    told: list[tuple[int | None, bool]] = []
    audit = Audit(Path("/dev/full"), lambda failure, again: told.append((failure.errno, again)))
    note(audit, "1")
    note(audit, "2")
    audit.close()
    assert told == [(errno.ENOSPC, False), (errno.ENOSPC, True)]


def test_a_line_that_was_cut_off_spoils_none_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told: list[bool] = []
    audit = Audit(tmp_path / "audit", lambda _failure, again: told.append(again))
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[:10]))
    note(audit, "1")
    monkeypatch.undo()
    note(audit, "2")
    assert told == [False]
    assert json.loads((tmp_path / "audit").read_text().splitlines()[1])["request_id"] == "2"
