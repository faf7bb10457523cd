"""What writers are given: a record, its pixels, and the DICOM header where there is one."""

from __future__ import annotations

from pathlib import Path

from tests.unit.carpal.records.writers.table_samples import record

from carpal.imaging.readers import read
from carpal.phantoms.dicom import dicom_bytes
from carpal.phantoms.drawing import draw
from carpal.records.writers.writer import Converted


def test_a_png_has_no_dicom_header(tmp_path: Path, grey_png):
    radiograph = read(grey_png())
    assert Converted(tmp_path / "a.png", "a", record(), radiograph).dataset is None


def test_a_dicom_file_has_its_header_without_pixels_also_without_preamble(tmp_path: Path):
    body = dicom_bytes(draw(1, 0, size_px=128), 1)
    radiograph = read(body)
    for name, start in (("whole.dcm", 0), ("bare.dcm", 132)):
        path = tmp_path / name
        path.write_bytes(body[start:])
        one = Converted(path, "a", record(media_type="application/dicom"), radiograph)
        assert one.dataset is not None
        assert one.dataset.SOPInstanceUID == radiograph.source.sop_instance_uid
        assert "PixelData" not in one.dataset
        assert one.dataset is one.dataset
