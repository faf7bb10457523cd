from pathlib import Path

import numpy as np
import pytest

from carpal.imaging.readers import read
from carpal.phantoms.dataset import generate
from carpal.records.record import Box, Finding, Model, Record
from carpal.records.writers.report import structured_report
from carpal_training.data.assembly import assemble
from carpal_training.data.dicom_reports import read_dicom_reports
from carpal_training.data.opening import open_dataset
from carpal_training.errors import DatasetMissingError

DIGEST = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Four phantoms as DICOM with reports that say what their labels say, and the same as PNG with labels."""
    from pydicom import dcmread

    root = tmp_path_factory.mktemp("reports")
    generate(root / "set", 4, seed=4, size_px=160, image_format="both")
    dataset = open_dataset(root / "set")
    model = Model(
        name="reader", version="1", digest=DIGEST, variant="none", engine="none", engine_version="1", precision="none",
        emulated=False,
    )  # fmt: skip
    for sample in dataset.samples:
        path = root / f"set/dicom/{sample.stem}.dcm"
        radiograph = read(path)
        boxes = sample.boxes_px(radiograph.width, radiograph.height).tolist()
        findings = tuple(
            Finding(
                label=dataset.classes[index],
                box=Box(**dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))),
                probability=1.0,
                status="confirmed",
            )
            for index, box in zip(sample.classes, boxes, strict=True)
        )
        record = Record(
            id="00000000-0000-0000-0000-000000000000", source=radiograph.source, quality=_quality(), findings=findings,
            conclusions=(), model=model, preprocessing_digest=DIGEST, timings={},
        )  # fmt: skip
        (root / f"set/dicom/{sample.stem}_sr.dcm").write_bytes(structured_report(record, dcmread(path)))
    return root / "set/dicom", root / "set"


def _quality() -> dict[str, float]:
    return {"sharpness": 0, "noise": 0, "clipped_share": 0, "padded_share": 0, "exposure": 0}


def test_reports_say_what_the_labels_say(reported: tuple[Path, Path]) -> None:
    source = read_dicom_reports(reported[0])
    dataset, before = assemble(source), open_dataset(reported[1])
    assert source.issues.errors == []
    assert set(dataset.classes) == {name for name, count in before.instances().items() if count}
    for one, other in zip(dataset.samples, before.samples, strict=True):
        assert one.stem == other.stem
        assert [dataset.classes[i] for i in one.classes] == [before.classes[i] for i in other.classes]
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-5)
        facts = ("laterality", "sex", "projection")
        assert [getattr(one.exam, name) for name in facts] == [getattr(other.exam, name) for name in facts]
    pairs = {(one.patient, other.patient) for one, other in zip(dataset.samples, before.samples, strict=True)}
    assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})


def test_no_identity_is_kept(reported: tuple[Path, Path]) -> None:
    assert {sample.patient for sample in assemble(read_dicom_reports(reported[0])).samples} <= {"1", "2", "3", "4"}


def test_an_image_that_no_report_points_to_has_no_labels(reported: tuple[Path, Path], tmp_path: Path) -> None:
    import shutil

    shutil.copytree(reported[0], tmp_path / "set")
    gone = sorted((tmp_path / "set").glob("*_sr.dcm"))[0]
    gone.unlink()
    (tmp_path / "set/other.dcm").write_bytes(b"no image")
    source = read_dicom_reports(tmp_path / "set")
    assemble(source)
    assert {issue.kind for issue in source.issues.errors} == {"missing-labels", "unreadable-image"}


def test_images_without_reports_are_no_dataset(reported: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DatasetMissingError, match="0 DICOM images"):
        read_dicom_reports(tmp_path)
