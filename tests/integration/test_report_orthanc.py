"""A real archive, Orthanc on loopback, stores reports by C-STORE and STOW-RS and gives them back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import numpy as np
import pytest
from highdicom.sr import ComprehensiveSR
from tests.integration.orthanc import PATIENCE_S, Archive, running, why_not
from tests.unit.carpal.records.writers.fhir_samples import BOXES, UIDS
from tests.unit.carpal.records.writers.report_samples import dicom_record, parsed, png_record, source_object
from tools.pages import blocks
from tools.pages import run as run_page

from carpal.imaging.radiograph import Radiograph
from carpal.records.writers.capture import secondary_capture
from carpal.records.writers.report import structured_report

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/send-to-a-pacs.md"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    if reason := why_not():
        pytest.skip(reason)
    with running(tmp_path_factory.mktemp("orthanc")) as archive:
        yield archive


def store_by_c_store(archive: Archive, file: Path) -> None:
    storescu = shutil.which("storescu")
    if not storescu:
        pytest.skip("storescu of the Debian package dcmtk is not installed here; .ci/run installs it")
    command = [storescu, "-aec", "ORTHANC", "127.0.0.1", str(archive.dicom_port), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr


def retrieve(archive: Archive, study: str, series: str, sop: str) -> bytes:
    """By WADO-RS (PS3.18, 10.4): the one part of its multipart answer."""
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    path = f"/dicom-web/studies/{study}/series/{series}/instances/{sop}"
    answer = archive.client.get(path, headers={"Accept": accept}).raise_for_status()
    kind = Message()
    kind["Content-Type"] = answer.headers["Content-Type"]
    boundary = f"--{kind.get_param('boundary')}".encode()
    return answer.content.split(boundary)[1].partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


def boxes(body: bytes) -> list[list[float]]:
    groups = ComprehensiveSR.from_dataset(parsed(body)).content.get_planar_roi_measurement_groups()
    return [[float(value) for value in group.roi.value.ravel()] for group in groups]


def expected_boxes() -> list[list[float]]:
    corners = [(x0, y0, x1, y0, x1, y1, x0, y1, x0, y0) for x0, y0, x1, y1 in BOXES]
    return np.asarray(corners, np.float32).astype(float).tolist()


def uids(body: bytes) -> tuple[str, str, str]:
    read = parsed(body)
    return read.StudyInstanceUID, read.SeriesInstanceUID, read.SOPInstanceUID


def test_a_report_sent_by_c_store_comes_back_with_equal_boxes(archive: Archive, tmp_path: Path):
    body = structured_report(dicom_record(), source_object())
    file = tmp_path / "report.dcm"
    file.write_bytes(body)
    store_by_c_store(archive, file)
    back = retrieve(archive, *uids(body))
    assert parsed(back) == parsed(body)
    assert boxes(back) == expected_boxes()


def test_a_report_sent_by_stow_comes_back_byte_for_byte_in_its_content(archive: Archive):
    body = structured_report(png_record(), None)
    answer = archive.stow(body)
    assert answer.status_code == 200, answer.text
    back = retrieve(archive, *uids(body))
    assert parsed(back) == parsed(body)
    assert boxes(back) == expected_boxes()


def test_a_report_that_is_sent_again_is_no_second_instance(archive: Archive):
    body = structured_report(dicom_record(()), source_object())
    for _ in range(2):
        archive.stow(structured_report(dicom_record(()), source_object()))
    assert archive.stored().count(uids(body)[2]) == 1


def test_report_and_capture_lie_in_the_study_of_the_image(archive: Archive):
    made = dicom_record()
    radiograph = Radiograph(np.full((1024, 800), 999, np.uint16), made.source)
    capture = secondary_capture(made, radiograph, source_object())
    assert archive.stow(structured_report(made, source_object()), capture).status_code == 200
    query = {"StudyInstanceUID": UIDS["study_instance_uid"]}
    found = archive.client.get("/dicom-web/series", params=query, headers={"Accept": "application/dicom+json"}).json()
    assert {series["00080060"]["Value"][0] for series in found} == {"SR", "OT"}
    back = retrieve(archive, *uids(capture))
    assert np.array_equal(parsed(back).pixel_array, parsed(capture).pixel_array)


def test_what_the_how_to_page_sends_is_stored(archive: Archive, tmp_path: Path):
    for name, package in {"storescu": "dcmtk", "dsrdump": "dcmtk", "dciodvfy": "dicom3tools"}.items():
        if not shutil.which(name):
            pytest.skip(f"{name} of the Debian package {package} is not installed here; .ci/run installs it")
    made = dicom_record((), conclusions=())
    report = structured_report(made, source_object())
    capture = secondary_capture(made, Radiograph(np.ones((64, 48), np.uint16), made.source), source_object())
    for kind, body in {"sr": report, "sc": capture}.items():
        (tmp_path / "pacs" / kind).mkdir(parents=True)
        (tmp_path / "pacs" / kind / "wrist.dcm").write_bytes(body)
    page = PAGE.read_text().replace("4242", str(archive.dicom_port)).replace("8042", str(archive.client.base_url.port))
    ours = [block for block in blocks(page) if block.run_by == "tests/integration/test_report_orthanc.py"]
    assert len(ours) == 3
    session = "".join(f"```{block.language}\n{block.text}```\n" for block in ours)
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    run_page(session, tmp_path, {"PATH": tools}, timeout_s=PATIENCE_S)
    assert {uids(report)[2], uids(capture)[2]} <= set(archive.stored())
