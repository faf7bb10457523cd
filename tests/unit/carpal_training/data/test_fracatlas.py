import csv
from pathlib import Path

import numpy as np
import pytest

from carpal.errors import UsageError
from carpal.terminal import Terminal
from carpal_training.data.assembly import assemble
from carpal_training.data.dataset import Dataset
from carpal_training.data.fracatlas import read_fracatlas
from carpal_training.data.fracatlas_labels import ATLAS_FORMS, AtlasForm
from carpal_training.data.source import Source
from carpal_training.errors import DatasetMissingError, ListInvalidError

QUIET = Terminal(quiet=True)


def read(root: Path, form: AtlasForm | None = None, **options: bool) -> tuple[Source, Dataset]:
    source = read_fracatlas(root, QUIET, form, **options)
    return source, assemble(source)


@pytest.mark.parametrize("form", ATLAS_FORMS)
def test_each_form_of_annotations_gives_the_same_boxes(atlas: Path, form: AtlasForm) -> None:
    source, dataset = read(atlas, form)
    assert source.issues.errors == []
    assert (dataset.classes, dataset.unit, dataset.instances()) == (("fracture",), "group", {"fracture": 2})
    samples = {sample.stem: sample for sample in dataset.samples}
    np.testing.assert_allclose(samples["IMG0000019"].boxes, [[0.1, 0.2, 0.3, 0.4]], atol=1e-9)
    assert source.sizes["IMG0000040"] == (40, 60), "stored on its side"
    np.testing.assert_allclose(samples["IMG0000040"].boxes, [[0.2, 0.7, 0.4, 0.9]], atol=1e-9)


def test_polygons_are_in_the_stored_pixels(atlas: Path) -> None:
    source, _ = read(atlas)
    (outline,) = source.polygons["IMG0000019"]
    np.testing.assert_allclose(outline.rings[0], [(0.1, 0.2), (0.3, 0.2), (0.3, 0.4)])
    (outline,) = source.polygons["IMG0000040"]
    np.testing.assert_allclose(outline.rings[0], [(0.2, 0.9), (0.2, 0.7), (0.4, 0.7)])


def test_repeats_and_unlabelled_copies_are_in_no_part_and_damaged_images_left_out(atlas: Path) -> None:
    source, dataset = read(atlas)
    assert {sample.stem: sample.part for sample in dataset.samples} == {
        "IMG0000000": None, "IMG0000001": None, "IMG0000019": None, "IMG0000040": None,
        "IMG0000070": "none", "IMG0000071": "none",
    }  # fmt: skip
    assert {
        (issue.kind, issue.image): issue.detail for issue in source.issues.found if issue.severity == "warning"
    } == {
        ("left-out-image", "IMG0000070"): "unlabelled copy of fractured IMG0000019",
        ("left-out-image", "IMG0000071"): "same bytes as IMG0000000",
        ("damaged-image", "IMG0000072"): "the JPEG has no end marker",
    }


def test_blocks_of_numbers_are_groups_and_near_copies_join_them(atlas: Path) -> None:
    _, dataset = read(atlas)
    assert {sample.stem: sample.patient for sample in dataset.samples} == {
        "IMG0000000": "block-0000", "IMG0000001": "block-0000", "IMG0000019": "block-0000",
        "IMG0000040": "block-0002", "IMG0000070": "block-0000", "IMG0000071": "block-0000",
    }  # fmt: skip
    _, without = read(atlas, prints=False)
    assert {sample.stem: sample.patient for sample in without.samples}["IMG0000019"] == "block-0001"


def test_the_authors_split_is_carried_on_request(atlas: Path) -> None:
    _, dataset = read(atlas, authors_split=True)
    assert [(sample.stem, sample.part) for sample in dataset.samples if sample.part != "none"] == [
        ("IMG0000019", "train"), ("IMG0000040", "val"),
    ]  # fmt: skip
    (atlas / "Utilities/Fracture Split/test.csv").write_text("image_id\nIMG0000019.jpg\n")
    with pytest.raises(ListInvalidError, match=r"also in train\.csv line 2"):
        read(atlas, authors_split=True)
    (atlas / "Utilities/Fracture Split/test.csv").write_text("image_id\nIMG0000020.jpg\n")
    source, _ = read(atlas, authors_split=True)
    assert [(issue.kind, issue.place) for issue in source.issues.errors] == [("missing-image", "test.csv line 2")]


@pytest.mark.parametrize(("form", "gone"), [("coco", "Annotations/COCO JSON/masks.json"), ("voc", "dataset.csv")])
def test_missing_files_are_named(atlas: Path, form: AtlasForm, gone: str) -> None:
    (atlas / gone).unlink()
    with pytest.raises(DatasetMissingError, match=r"COCO|dataset\.csv"):
        read(atlas, form)


def test_an_image_without_row_or_label_is_an_error(atlas: Path) -> None:
    (atlas / "Annotations/PASCAL VOC/IMG0000001.xml").unlink()
    table = atlas / "dataset.csv"
    table.write_text("".join(line for line in table.open() if "IMG0000000" not in line))
    source, _ = read(atlas, "voc")
    assert {(issue.kind, issue.image) for issue in source.issues.errors} == {
        ("missing-labels", "IMG0000001"), ("missing-image", "IMG0000000"),
    }  # fmt: skip


@pytest.mark.parametrize("form", ATLAS_FORMS)
def test_the_real_sample_agrees_with_the_cut(fracatlas: Path, form: AtlasForm) -> None:
    """The images of the cut are rotated, so boxes of images with an EXIF orientation differ by the rotation."""
    source, dataset = read(fracatlas / "original-layout-sample", form)
    _, cut = read(fracatlas, prints=False)
    with (fracatlas / "manifest.csv").open() as stream:
        excluded = {row["file"].removesuffix(".jpg"): row["excluded"] for row in csv.DictReader(stream)}
    in_cut = {sample.stem: sample for sample in cut.samples}
    assert source.issues.errors == []
    assert {issue.image for issue in source.issues.found if issue.kind == "damaged-image"} == {
        "IMG0004028", "IMG0004029",
    }  # fmt: skip
    rotated = {"IMG0002588": 180, "IMG0002628": 90}
    for sample in dataset.samples:
        assert sample.part == ("none" if excluded[sample.stem] else None)
        assert sample.exam.groups == in_cut[sample.stem].exam.groups
        expected = in_cut[sample.stem].boxes
        if sample.stem in rotated:
            x0, y0, x1, y1 = expected.T
            expected = np.array(
                {180: [1 - x1, 1 - y1, 1 - x0, 1 - y0], 90: [1 - y1, x0, 1 - y0, x1]}[rotated[sample.stem]]
            ).T
        # VOC has whole pixels, of images with 181 px or more.
        np.testing.assert_allclose(sample.boxes, expected, atol=0.006 if form == "voc" else 0.001)


def test_options_of_the_distribution_are_refused_for_the_cut(fracatlas: Path) -> None:
    with pytest.raises(UsageError, match="cut of FracAtlas"):
        read(fracatlas, "voc")
    with pytest.raises(UsageError, match="cut of FracAtlas"):
        read(fracatlas, authors_split=True)
