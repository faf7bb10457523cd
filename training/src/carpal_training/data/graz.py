"""GRAZPEDWRI-DX as it is distributed (figshare 14825193), and phantoms, which are written in the same layout.

::

    images_part1/ .. images_part4/<stem>.png
    folder_structure/yolov5/meta.yaml               class names, in the order of the labels
    folder_structure/yolov5/labels/<stem>.txt       class, centre x, centre y, width, height (shares of the image)
    folder_structure/pascalvoc/<stem>.xml
    folder_structure/supervisely/wrist/ann/<stem>.json
    dataset.csv
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from carpal_training.data.data_yaml import read_data_yaml
from carpal_training.data.exam import Exam
from carpal_training.data.issues import Issues
from carpal_training.data.labels import Reader, read_supervisely, read_voc, read_yolo
from carpal_training.data.source import Annotation, Source, find_images, image_sizes
from carpal_training.data.table import read_table
from carpal_training.errors import DatasetMissingError

LabelForm = Literal["yolo", "voc", "supervisely"]
FORMS: tuple[LabelForm, ...] = get_args(LabelForm)
LABELS = Path("folder_structure/yolov5/labels")
META = Path("folder_structure/yolov5/meta.yaml")
TABLE = "dataset.csv"
_READERS: dict[LabelForm, tuple[Path, str, Reader]] = {
    "yolo": (LABELS, ".txt", read_yolo),
    "voc": (Path("folder_structure/pascalvoc"), ".xml", read_voc),
    "supervisely": (Path("folder_structure/supervisely/wrist/ann"), ".json", read_supervisely),
}


def is_graz(root: Path) -> bool:
    """Whether a folder looks like this layout."""
    return (root / TABLE).is_file() or (root / f"{TABLE}.gz").is_file()


def read_graz(root: Path, form: LabelForm = "yolo") -> Source:
    """Read the table, the class names and every label; of the images only the heads.

    Args:
        root: the folder that holds dataset.csv.
        form: which of the three forms of the labels to read. They say the same, but for the polygons and the bone axis
            of Supervisely, and whole pixels in VOC and Supervisely.

    Raises:
        DatasetMissingError: there is no such dataset here.
        TableInvalidError: the table or the class names cannot be read at all.
    """
    folder, suffix, reader = _READERS[form]
    table = root / TABLE if (root / TABLE).is_file() else root / f"{TABLE}.gz"
    for part in (table, root / META, root / folder):
        if not part.exists():
            raise DatasetMissingError(
                f"{root} holds no dataset: {part.relative_to(root)} is not there",
                "The layout is that of GRAZPEDWRI-DX as it is distributed.",
                "Name the folder that holds dataset.csv, or make one: carpal phantoms OUT --count 300.",
            )
    issues = Issues()
    classes = read_data_yaml(root / META).names
    exams = _exams(table, issues)
    images = find_images(sorted(root.glob("images_part*")), issues, (".png",))
    sizes = image_sizes(images, issues)
    annotations: dict[str, tuple[Annotation, ...]] = {
        path.stem: reader(path, path.stem, sizes.get(path.stem), issues)
        for path in sorted((root / folder).glob(f"*{suffix}"))
    }
    for stem in sorted(set(images) - set(exams)):
        issues.add("missing-image", stem, table.name, f"no row of {stem}, which has an image")
    return Source(root, "", classes, images, sizes, exams, annotations, issues)


def _exams(table: Path, issues: Issues) -> dict[str, Exam]:
    exams = {}
    for row in read_table(table):
        exams[row.stem] = row.exam
        if row.rebuilt is not None and row.rebuilt != row.stem:
            issues.add("mixed-naming", row.stem, table.name, f"its columns make {row.rebuilt}")
    return exams
