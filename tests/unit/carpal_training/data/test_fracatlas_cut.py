import csv
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from carpal.terminal import Terminal
from carpal_training.data.assembly import assemble
from carpal_training.data.fracatlas_cut import is_cut, read_cut
from carpal_training.data.splits import PARTS, make_split
from carpal_training.errors import SplitInvalidError, TableInvalidError
from carpal_training.recipe import SplitPlan

QUIET = Terminal(quiet=True)
FLAGS = "1,0,0,0,0,0,0,1,0,0"
MANIFEST = f"""file,split,fractured,near_copy_group,excluded,orig_jpeg_truncated,hand,leg,hip,shoulder,mixed,hardware,\
multiscan,frontal,lateral,oblique
IMG0000003.jpg,train,1,,,0,{FLAGS}
IMG0000020.jpg,val,0,x,,1,{FLAGS}
IMG0000040.jpg,val,0,x,,0,{FLAGS}
IMG0000060.jpg,,0,,same bytes as IMG0000003.jpg,0,{FLAGS}
"""


@pytest.fixture
def cut(atlas: Path, tmp_path: Path) -> Path:
    """Four images of 60 x 40 px."""
    root = tmp_path / "cut"
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    (root / "manifest.csv").write_text(MANIFEST)
    (root / "data.yaml").write_text("path: .\ntrain: train.txt\nval: val.txt\nnames: [fracture]\n")
    (root / "train.txt").write_text("./images/IMG0000003.jpg\n")
    (root / "val.txt").write_text("./images/IMG0000020.jpg\n./images/IMG0000040.jpg\n")
    for number in (3, 20, 40, 60):
        shutil.copy(atlas / "images/Fractured/IMG0000019.jpg", root / f"images/IMG{number:07d}.jpg")
        (root / f"labels/IMG{number:07d}.txt").write_text("0 0.2 0.3 0.2 0.2\n" if number == 3 else "")
    return root


def test_read_cut_follows_the_manifest(cut: Path) -> None:
    assert is_cut(cut)
    assert not is_cut(cut / "images")
    source = read_cut(cut, QUIET)
    dataset = assemble(source)
    assert source.issues.errors == []
    assert [(sample.stem, sample.part, sample.patient) for sample in dataset.samples] == [
        ("IMG0000003", "train", "block-0000"), ("IMG0000020", "val", "block-0001"),
        ("IMG0000040", "val", "block-0001"), ("IMG0000060", "none", "block-0003"),
    ]  # fmt: skip
    assert {
        (issue.kind, issue.image): issue.detail for issue in source.issues.found if issue.kind != "no-findings"
    } == {
        ("left-out-image", "IMG0000060"): "same bytes as IMG0000003.jpg",
        ("truncated-original", "IMG0000020"): "orig_jpeg_truncated",
        ("rare-class", ""): "1 instances",
    }
    assert dataset.samples[0].exam.groups[0] == ("body part", "hand")
    assert all(sample.print_ and sample.sha256 for sample in dataset.samples)


def test_read_cut_refuses_a_manifest_that_disagrees_with_the_lists(cut: Path) -> None:
    (cut / "val.txt").write_text("./images/IMG0000020.jpg\n")
    with pytest.raises(SplitInvalidError, match=r"IMG0000040 is in val by manifest.csv and in none by the lists"):
        read_cut(cut, QUIET)
    (cut / "manifest.csv").write_text(MANIFEST.replace(",train,", ",training,"))
    with pytest.raises(SplitInvalidError, match="unknown part 'training'"):
        read_cut(cut, QUIET)


def test_read_cut_refuses_other_classes(cut: Path) -> None:
    (cut / "data.yaml").write_text("names: [fracture, metal]\n")
    with pytest.raises(TableInvalidError, match="fracture, metal"):
        read_cut(cut, QUIET)


def test_a_missing_image_of_the_manifest_is_an_error(cut: Path) -> None:
    (cut / "images/IMG0000060.jpg").unlink()
    source = read_cut(cut, QUIET)
    assemble(source)
    assert [(issue.kind, issue.image) for issue in source.issues.errors] == [("missing-image", "IMG0000060")]


def test_the_real_cut_equals_its_manifest(fracatlas: Path) -> None:
    source = read_cut(fracatlas, QUIET, prints=False)
    dataset = assemble(source)
    with (fracatlas / "manifest.csv").open() as stream:
        rows = {row["file"].removesuffix(".jpg"): row for row in csv.DictReader(stream)}
    assert source.issues.errors == []
    assert Counter(sample.part for sample in dataset.samples) == {"train": 3185, "val": 440, "test": 294, "none": 19}
    for sample in dataset.samples:
        row = rows[sample.stem]
        assert (sample.part, len(sample.classes)) == (row["split"] or "none", int(row["boxes"]))
        assert source.sizes[sample.stem] == (int(row["width"]), int(row["height"]))
    assert len(rows) == len(dataset.samples) == 3938
    split = make_split(dataset, SplitPlan())
    fractured = {part: sum(len(sample.classes) > 0 for sample in split.samples(dataset, part)) for part in PARTS}
    assert fractured == {"train": 531, "val": 92, "test": 53}
    boxes = {sample.stem: sample.boxes for sample in dataset.samples}
    assert len(source.polygons) == 680
    for stem, polygons in source.polygons.items():
        outlines = [np.array(item.rings[0]) for item in polygons]
        hulls = np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring in outlines])
        np.testing.assert_allclose(hulls, boxes[stem], atol=0.002)
