"""Reports and captures are accepted by programs that others wrote: dicom3tools' dciodvfy, dcmtk's dsrdump."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.unit.carpal.records.writers.fhir_samples import BOXES, UIDS, finding, record, reviewed, source
from tests.unit.carpal.records.writers.report_samples import dicom_record, png_record, source_object

from carpal.imaging.radiograph import Radiograph
from carpal.records.record import Record
from carpal.records.writers.capture import secondary_capture
from carpal.records.writers.report import MULTI_FRAME_CAPTURE, structured_report

MANY = tuple(finding("fracture", BOXES[index % len(BOXES)], 0.9 - index / 100) for index in range(60))
SAMPLES: dict[str, Callable[[], Record]] = {
    "five findings": dicom_record,
    "negative": lambda: dicom_record(()),
    "sixty findings": lambda: dicom_record(MANY),
    "no DICOM identity": png_record,
    "negative, no DICOM identity": lambda: png_record(findings=(), conclusions=()),
    "confirmed": lambda: dicom_record(review=reviewed("confirmed")),
    "corrected": lambda: dicom_record(review=reviewed("corrected")),
    "rejected": lambda: dicom_record(review=reviewed("rejected")),
    "a frame of several": lambda: record(source=source(sop_class_uid=MULTI_FRAME_CAPTURE, frame=2, frames=3)),
    "a page of several": lambda: png_record(
        source=source(media_type="image/tiff", frame=2, frames=3, **dict.fromkeys(UIDS))
    ),
    "calibrated": lambda: dicom_record((finding("fracture", BOXES[0], 0.9, calibrated_probability=0.7),)),
    "a class in another script": lambda: dicom_record((finding("骨折", BOXES[0], 0.9),), conclusions=()),
}
# A private scheme is unknown to it; an empty patient cannot be in a DICOMDIR; a side may be empty where nobody said it.
SAID_OF_ALL = ("99CARPAL", "DICOMDIR", "attribute <Laterality>")


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} of the Debian package {package} is not installed here; .ci/run installs it")
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, said
    return said


def of(made: Record) -> tuple[Record, object]:
    return made, source_object() if made.source.sop_instance_uid else None


@pytest.mark.parametrize("name", SAMPLES)
def test_dciodvfy_finds_no_fault_in_a_report(name: str, tmp_path: Path):
    file = tmp_path / "report.dcm"
    file.write_bytes(structured_report(*of(SAMPLES[name]())))
    said = run(program("dciodvfy", "dicom3tools"), str(file)).splitlines()
    assert [line for line in said if not any(known in line for known in SAID_OF_ALL)] == ["ComprehensiveSR"]


@pytest.mark.parametrize("name", SAMPLES)
def test_dsrdump_reads_every_region_and_probability(name: str, tmp_path: Path):
    made, file = SAMPLES[name](), tmp_path / "report.dcm"
    file.write_bytes(structured_report(*of(made)))
    said = run(program("dsrdump", "dcmtk"), "+Pc", str(file))
    assert said.count('"Image Region")') == len(made.findings)
    assert said.count('"Probability")=') == len(made.findings)
    assert said.count('"Measurement Group")') == len(made.findings)
    assert said.count('"Qualitative Evaluations")') == bool(made.conclusions)
    assert ('"Diagnostic Imaging Report")' in said) == (not made.findings)


@pytest.mark.parametrize("name", ["five findings", "no DICOM identity", "confirmed"])
def test_dciodvfy_finds_no_fault_in_a_capture(name: str, tmp_path: Path):
    made, original = of(SAMPLES[name]())
    file = tmp_path / "capture.dcm"
    radiograph = Radiograph(np.full((1024, 800), 999, np.uint16), made.source)
    file.write_bytes(secondary_capture(made, radiograph, original))
    said = run(program("dciodvfy", "dicom3tools"), str(file)).splitlines()
    assert [line for line in said if not any(known in line for known in SAID_OF_ALL)] == ["SCImage"]
