from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset as DicomDataset
from pydicom import dcmread

from carpal.imaging.readers import read
from carpal.phantoms.dataset import generate
from carpal.records.coding import Status
from carpal.records.record import Box, Conclusion, Finding, Model, Record
from carpal.records.writers.report import structured_report
from carpal_training.data.assembly import assemble
from carpal_training.data.dicom_reports import box_of, read_dicom_reports, regions
from carpal_training.data.opening import open_dataset
from carpal_training.errors import DatasetMissingError

DIGEST = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Four phantoms as DICOM with reports that say what their labels say, and the same as PNG with labels."""
    root = tmp_path_factory.mktemp("reports")
    generate(root / "set", 4, seed=4, size_px=160, image_format="both")
    dataset = open_dataset(root / "set")
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
        report = structured_report(_record(path, findings, ()), dcmread(path))
        (root / f"set/dicom/{sample.stem}_sr.dcm").write_bytes(report)
    return root / "set/dicom", root / "set"


def _record(path: Path, findings: tuple[Finding, ...], conclusions: tuple[Conclusion, ...]) -> Record:
    model = Model(
        name="reader", version="1", digest=DIGEST, variant="none", engine="none", engine_version="1", precision="none",
        emulated=False,
    )  # fmt: skip
    return Record(
        id="00000000-0000-0000-0000-000000000000", source=read(path).source, quality=_quality(), findings=findings,
        conclusions=conclusions, model=model, preprocessing_digest=DIGEST, timings={},
    )  # fmt: skip


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


@pytest.mark.parametrize("statuses", [{}, {"fracture": "absent"}, {"fracture": "absent", "other": "absent"}], ids=len)
def test_an_image_whose_report_has_no_findings_was_looked_at(
    reported: tuple[Path, Path], tmp_path: Path, statuses: dict[str, Status]
) -> None:
    path = sorted(reported[0].glob("*[0-9].dcm"))[0]
    concluded = tuple(Conclusion(label=label, status=status, probability=0) for label, status in statuses.items())
    (tmp_path / "image.dcm").write_bytes(path.read_bytes())
    (tmp_path / "report.dcm").write_bytes(structured_report(_record(path, (), concluded), dcmread(path)))
    source = read_dicom_reports(tmp_path)
    assert source.annotations == {"image": ()}
    assert source.issues.errors == []


def test_conclusions_are_not_read_as_findings(reported: tuple[Path, Path], tmp_path: Path) -> None:
    path = sorted(reported[0].glob("*[0-9].dcm"))[0]
    found = Finding(label="metal", box=Box(x0=1, y0=2, x1=30, y1=40), probability=1.0, status="confirmed")
    concluded = tuple(Conclusion(label=one, status="confirmed", probability=1) for one in ("metal", "fracture"))
    (tmp_path / "image.dcm").write_bytes(path.read_bytes())
    (tmp_path / "report.dcm").write_bytes(structured_report(_record(path, (found,), concluded), dcmread(path)))
    (read,) = read_dicom_reports(tmp_path).annotations["image"]
    assert read.label == "metal"


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


def shape(kind: str, *numbers: float) -> DicomDataset:
    item = DicomDataset()
    item.GraphicType, item.GraphicData = kind, list(numbers)
    return item


@pytest.mark.parametrize(
    ("item", "box"),
    [
        (shape("CIRCLE", 150, 250, 200, 250), [100, 200, 200, 300]),
        (shape("CIRCLE", 150, 250, 180, 290), [100, 200, 200, 300]),
        (shape("ELLIPSE", 100, 250, 200, 250, 150, 230, 150, 270), [100, 230, 200, 270]),
        (shape("ELLIPSE", 150, 200, 150, 300, 130, 250, 170, 250), [130, 200, 170, 300]),
        (shape("POLYLINE", 1, 2, 9, 4, 5, 20, 1, 2), [1, 2, 9, 20]),
        (shape("MULTIPOINT", 1, 2, 9, 20), [1, 2, 9, 20]),
        (shape("POINT", 3, 4), [3, 4, 3, 4]),
    ],
)
def test_the_box_of_a_shape_is_the_smallest_around_it(item: DicomDataset, box: list[float]) -> None:
    assert box_of(item) == pytest.approx(box)


def test_the_box_of_a_slanted_ellipse_touches_it() -> None:
    angle, (major, minor) = np.radians(30), (50.0, 20.0)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    centre = np.array([150.0, 250.0])
    points = np.concatenate(
        [centre - major * along, centre + major * along, centre - minor * across, centre + minor * across]
    )
    turn = np.linspace(0, 2 * np.pi, 100_001)[:, None]
    outline = centre + major * np.cos(turn) * along + minor * np.sin(turn) * across
    assert box_of(shape("ELLIPSE", *points)) == pytest.approx([*outline.min(axis=0), *outline.max(axis=0)], abs=1e-4)


@pytest.mark.parametrize(
    "item",
    [
        shape("CIRCLE", 1, 2),
        shape("ELLIPSE", 1, 2, 3, 4),
        shape("POLYGON", 1, 2, 3, 4),
        shape("POLYLINE", 1, 2, 3),
        DicomDataset(),
    ],
)
def test_a_shape_that_is_not_read_has_no_box(item: DicomDataset) -> None:
    assert box_of(item) is None


def test_files_are_told_by_their_content_and_equal_names_by_their_folders(
    reported: tuple[Path, Path], tmp_path: Path
) -> None:
    files = sorted(reported[0].glob("*.dcm"))
    images, reports = [path for path in files if "_sr" not in path.name], [path for path in files if "_sr" in path.name]
    for number, (image, report) in enumerate(zip(images, reports, strict=True)):
        folder = tmp_path / f"ST{number // 2}"
        folder.mkdir(exist_ok=True)
        (folder / f"IM{number % 2}").write_bytes(image.read_bytes())
        (folder / f"1.2.{number}.{number}").write_bytes(report.read_bytes())
    (tmp_path / "README").write_text("no image")
    source = read_dicom_reports(tmp_path)
    assert sorted(source.images) == ["ST0-IM0", "ST0-IM1", "ST1-IM0", "ST1-IM1"]
    assert source.issues.errors == []
    assert len(source.annotations) == 4


def test_a_shape_that_is_not_read_is_an_issue(reported: tuple[Path, Path], tmp_path: Path) -> None:
    report = next(
        path for path in sorted(reported[0].glob("*_sr.dcm")) if list(regions(dcmread(path)))
    )  # with a finding
    document = dcmread(report)
    for item in document.iterall():
        if item.keyword == "GraphicType":
            item.value = "POLYGON"
    document.save_as(tmp_path / "report")
    (tmp_path / "image").write_bytes(report.with_name(report.name.replace("_sr", "")).read_bytes())
    source = read_dicom_reports(tmp_path)
    assert "a region of the type 'POLYGON' is not read" in [issue.detail for issue in source.issues.found]
