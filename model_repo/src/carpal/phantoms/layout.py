"""The text files of GRAZPEDWRI-DX in its own manner: YOLO, Pascal VOC, Supervisely and dataset.csv."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from carpal.phantoms.classes import CLASS_NAMES
from carpal.phantoms.drawing import LabelBox, PhantomImage
from carpal.phantoms.study import Study

CSV_COLUMNS: tuple[str, ...] = (
    "filestem", "patient_id", "study_number", "timehash", "gender", "age", "laterality", "projection", "initial_exam",
    "ao_classification", "cast", "diagnosis_uncertain", "osteopenia", "fracture_visible", "metal", "pixel_spacing",
    "device_manufacturer",
)  # fmt: skip


def yolo_label(boxes: Sequence[LabelBox], width: int, height: int) -> str:
    """Return `class xc yc w h` lines, relative, six decimals, without a trailing newline."""
    return "\n".join(
        f"{c} {(x0 + x1) / 2 / width:.6f} {(y0 + y1) / 2 / height:.6f} {(x1 - x0) / width:.6f} {(y1 - y0) / height:.6f}"
        for c, x0, y0, x1, y1 in boxes
    )


def read_yolo_classes(label: str) -> list[int]:
    """Return the class indices of a label file."""
    return [int(line.split()[0]) for line in label.splitlines() if line.strip()]


def meta_yaml() -> str:
    """Return meta.yaml: the class names and their number."""
    names = ", ".join(f"'{name}'" for name in CLASS_NAMES)
    return f"train: ../train/images\nval: ../valid/images\n\nnc: {len(CLASS_NAMES)}\nnames: [{names}]\n"


def voc_annotation(stem: str, boxes: Sequence[LabelBox]) -> str:
    """Return a Pascal VOC file: empty size and folder, padded values, xmax before xmin, as distributed."""
    objects = "".join(
        f"  <object>\n    <name>{escape(CLASS_NAMES[c])}</name>\n    <bndbox>\n"
        + "".join(
            f"      <{tag}>\n        {round(value)}\n      </{tag}>\n"
            for tag, value in (("xmax", x1), ("xmin", x0), ("ymax", y1), ("ymin", y0))
        )
        + "    </bndbox>\n  </object>\n"
        for c, x0, y0, x1, y1 in boxes
    )
    source = "  <source>\n    <database>GRAZPEDWRI-DX</database>\n  </source>\n"
    head = f"<annotation>\n  <folder/>\n  <filename>{stem}.png</filename>\n{source}  <size/>\n"
    return f"{head}{objects}</annotation>\n"


def supervisely_annotation(image: PhantomImage) -> str:
    """Return a Supervisely file: tags, the axis line, rectangles, and polygons for periosteal reactions."""
    height, width = image.pixels.shape
    study = image.meta.study
    tags: list[dict[str, str | None]] = [{"name": ("projection_ap", "projection_lat")[image.meta.view], "value": None}]
    flags = {"initial_exam": study.initial, "cast": study.cast, "osteopenia": study.osteopenia > 0,
             "diagnosis_uncertain": study.uncertain}  # fmt: skip
    tags += [{"name": name, "value": None} for name, value in flags.items() if value]
    tags += [{"name": "ao_classification", "value": code} for code in study.ao().split("; ") if code]
    polygons = {c for c, _ in image.meta.outlines}
    objects = [_object("axis", "line", image.meta.axis.tolist())]
    objects += [_object(CLASS_NAMES[c], "polygon", points.tolist()) for c, points in image.meta.outlines]
    objects += [
        _object(CLASS_NAMES[c], "rectangle", [[x0, y0], [x1, y1]])
        for c, x0, y0, x1, y1 in image.boxes
        if c not in polygons
    ]
    document = {"description": "", "tags": tags, "size": {"height": height, "width": width}, "objects": objects}
    return json.dumps(document, indent=1)


def _object(title: str, geometry: str, points: list[list[float]]) -> dict[str, object]:
    exterior = [[round(x), round(y)] for x, y in points]
    return {
        "description": "", "geometryType": geometry, "tags": [], "classTitle": title,
        "points": {"exterior": exterior, "interior": []},
    }  # fmt: skip


def csv_row(study: Study, view: int, spacing_mm: float, classes: Iterable[int]) -> dict[str, str]:
    """Return one row of dataset.csv."""
    seen = {CLASS_NAMES[c] for c in classes}

    def flag(value: bool) -> str:
        return "1" if value else ""

    return {
        "filestem": study.stem(view),
        "patient_id": str(study.patient.number), "study_number": str(study.within_patient),
        "timehash": str(study.timehash[view]), "gender": study.patient.sex, "age": f"{study.age:g}",
        "laterality": study.patient.side, "projection": str(view + 1), "initial_exam": flag(study.initial),
        "ao_classification": study.ao(), "cast": flag(study.cast), "diagnosis_uncertain": flag(study.uncertain),
        "osteopenia": flag(study.osteopenia > 0), "fracture_visible": flag("fracture" in seen),
        "metal": flag("metal" in seen), "pixel_spacing": f"{spacing_mm:g}", "device_manufacturer": "Siemens",
    }  # fmt: skip


def csv_text(rows: Iterable[dict[str, str]]) -> str:
    """Return dataset.csv with its byte order mark and CRLF line ends."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, CSV_COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff" + buffer.getvalue()
