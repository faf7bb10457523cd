"""Phantoms in the layout of GRAZPEDWRI-DX, a small FracAtlas, and the real data where it is available."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from carpal.phantoms.dataset import generate

GRAZ = Path(__file__).resolve().parents[5] / "shared/data/graz"
FRACATLAS = GRAZ.parent / "fracatlas"


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve phantoms of three patients, 160 px high; read-only for tests, which copy what they change."""
    root = tmp_path_factory.mktemp("phantoms") / "set"
    generate(root, 12, seed=3, size_px=160)
    return root


@pytest.fixture(scope="session")
def graz() -> Path:
    """The real table and the published split."""
    if not (GRAZ / "dataset.csv.gz").is_file():
        pytest.skip("../shared/data/graz is not here: the real table does not travel with the repository")
    return GRAZ


@pytest.fixture(scope="session")
def fracatlas() -> Path:
    """The cut of FracAtlas, with a sample of the original layout."""
    if not (FRACATLAS / "manifest.csv").is_file():
        pytest.skip("../shared/data/fracatlas is not here: the real images do not travel with the repository")
    return FRACATLAS


@pytest.fixture
def atlas(tmp_path: Path) -> Path:
    """A small FracAtlas as it is distributed; see ``write_atlas``."""
    write_atlas(tmp_path / "atlas")
    return tmp_path / "atlas"


COLUMNS = "hand,leg,hip,shoulder,mixed,hardware,multiscan,fractured,fracture_count,frontal,lateral,oblique"
FRACTURED = {"IMG0000019": 1, "IMG0000040": 6}
"""Fractured images and their EXIF orientation. The picture is 60 x 40 px; both fractures are at (6, 8) to (18, 16)."""
NOT_FRACTURED = ("IMG0000000", "IMG0000001", "IMG0000070", "IMG0000071", "IMG0000072")


def write_atlas(root: Path) -> None:
    """Two fractured images and five others: 70 is an unlabelled copy of 19, 71 repeats 0, 72 ends early."""
    for folder in (
        "images/Fractured", "images/Non_fractured", "Annotations/COCO JSON", "Annotations/PASCAL VOC",
        "Annotations/YOLO", "Utilities/Fracture Split",
    ):  # fmt: skip
        (root / folder).mkdir(parents=True)
    rows, images, objects = [f"image_id,{COLUMNS}"], [], []
    for stem, orientation in FRACTURED.items():
        (root / f"images/Fractured/{stem}.jpg").write_bytes(picture(int(stem[3:]), orientation))
        (root / f"Annotations/YOLO/{stem}.txt").write_text("0 0.2 0.3 0.2 0.2\n")
        (root / f"Annotations/PASCAL VOC/{stem}.xml").write_text(
            "<annotation><size><width>60</width><height>40</height></size><object><name>fractured</name><bndbox>"
            "<xmin>6</xmin><ymin>8</ymin><xmax>18</xmax><ymax>16</ymax></bndbox></object></annotation>"
        )
        images.append({"id": len(images) + 1, "file_name": f"{stem}.jpg", "width": 60, "height": 40})
        ring = [6, 8, 18, 8, 18, 16]
        objects.append({"image_id": len(images), "category_id": 0, "bbox": [6, 8, 12, 8], "segmentation": [ring]})
        rows.append(f"{stem}.jpg,1,0,0,0,0,0,0,1,1,1,0,0")
    for stem in NOT_FRACTURED:
        body = picture({"IMG0000070": 19, "IMG0000071": 0}.get(stem, int(stem[3:])), 1)
        if stem == "IMG0000070":
            body += b" "  # other bytes, the same picture
        (root / f"images/Non_fractured/{stem}.jpg").write_bytes(body[:-40] if stem == "IMG0000072" else body)
        (root / f"Annotations/YOLO/{stem}.txt").write_text("")
        (root / f"Annotations/PASCAL VOC/{stem}.xml").write_text("<annotation/>")
        rows.append(f"{stem}.jpg,0,1,0,0,0,1,0,0,0,0,1,0")
    (root / "dataset.csv").write_text("\n".join(rows) + "\n")
    (root / "Annotations/YOLO/labels.txt").write_text("fractured\n")
    document = {"images": images, "annotations": objects, "categories": [{"id": 0, "name": "fractured"}]}
    (root / "Annotations/COCO JSON/masks.json").write_text(json.dumps(document))
    for part, stems in (("train", ["IMG0000019"]), ("valid", ["IMG0000040"]), ("test", [])):
        lines = ["image_id", *(f"{stem}.jpg" for stem in stems)]
        (root / f"Utilities/Fracture Split/{part}.csv").write_text("\n".join(lines) + "\n")


def picture(seed: int, orientation: int) -> bytes:
    """A JPEG that viewers show with 60 x 40 px, stored in the given EXIF orientation (1 or 6)."""
    grain = np.random.default_rng(seed).integers(0, 256, (10, 15)).astype(np.uint8)
    shown = Image.fromarray(grain).resize((60, 40))
    stored = shown.transpose(Image.Transpose.ROTATE_90) if orientation == 6 else shown
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    stored.save(stream, "JPEG", quality=95, exif=exif)
    return stream.getvalue()
