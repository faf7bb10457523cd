"""COCO: the findings as a results list, and the images, categories and labels that it is judged against.

Category ids are 1, 2, 3, ... in the model's order of classes; classes that only the labels know come behind. Image ids
are 1, 2, 3, ... in the order of the files, and annotation ids begin with 1 too: evaluation tools take 0 for "none".
Boxes are [x, y, width, height] in source pixels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import orjson

from carpal.records.growing import Growing, JsonList, writing
from carpal.records.labels import Label, Labels
from carpal.records.record import Box, Record
from carpal.records.writers.classes import Classes
from carpal.records.writers.writer import Entry

_PIECE_BYTES = 1 << 20


class Coco:
    """Writes coco/results.json, and coco/ground_truth.json where images have labels, else coco/images.json.

    Ground truth lists all images; one without a label file has no annotation there, and ``info`` says how many those
    are. The parts of the file grow in unnamed files and are put together when the run ends.
    """

    def __init__(self, out: Path) -> None:
        self._folder = out / "coco"
        self._results = JsonList(self._folder / "results.json")
        self._classes = Classes()
        self._labels = Labels()
        self._further: dict[str, int] = {}
        self._open_parts = ExitStack()
        self._image_count = self._annotation_count = self._labelled = 0

    def open(self) -> None:
        """Begin the results and the parts of the other file."""
        self._results.open()
        with writing(self._folder):
            self._images, self._annotations = self._part(), self._part()

    def _part(self) -> IO[bytes]:
        """An unnamed file, which the system takes back also where this process is killed."""
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # open as long as the run
        return self._open_parts.enter_context(file)

    def add(self, entry: Entry) -> None:
        """The findings of one image and, where it has a label file, its annotations.

        Raises:
            ClassesDifferError: the model changed within the run.
            LabelUnreadableError: the label file breaks its form.
        """
        record, image_id = entry.record, self._image_count + 1
        ids = {label: index for index, label in enumerate(self._classes.check(record), start=1)}
        labels = self._labels.of(entry.path, record.source.width_px, record.source.height_px)
        self._results.add(results(record, image_id, ids))
        with writing(self._folder):
            _append(self._images, [_image(entry, image_id)])
            _append(self._annotations, self._annotate(labels or (), image_id, ids))
        self._image_count = image_id
        self._labelled += labels is not None

    def close(self) -> None:
        """Publish the results and the file of images; the one of the two names that is not written now goes."""
        self._results.close()
        truth, plain = self._folder / "ground_truth.json", self._folder / "images.json"
        with self._open_parts, writing(self._folder):
            with Growing(truth if self._labelled else plain) as file:
                for part in self._parts():
                    file.append(part) if isinstance(part, bytes) else _copy(part, file)
            (plain if self._labelled else truth).unlink(missing_ok=True)

    def _parts(self) -> Iterable[bytes | IO[bytes]]:
        info = {
            "description": "carpal: findings are in results.json; not a medical device",
            "images": self._image_count,
            "images_with_label_file": self._labelled,
        }
        names = [*self._classes.names, *self._further]
        categories = [{"id": index, "name": name} for index, name in enumerate(names, start=1)]
        yield b'{"info":' + orjson.dumps(info) + b',\n"categories":' + orjson.dumps(categories) + b',\n"images":['
        yield self._images
        if self._labelled:
            yield b'],\n"annotations":['
            yield self._annotations
        yield b"]}\n"

    def _annotate(self, labels: Iterable[Label], image_id: int, ids: dict[str, int]) -> list[dict[str, Any]]:
        annotations = []
        for label in labels:
            category = ids.get(label.name) or self._further.setdefault(label.name, len(ids) + len(self._further) + 1)
            self._annotation_count += 1
            annotations.append(
                {
                    "id": self._annotation_count,
                    "image_id": image_id,
                    "category_id": category,
                    "bbox": _bbox(label.box),
                    "area": (label.box.x1 - label.box.x0) * (label.box.y1 - label.box.y0),
                    "iscrowd": 0,
                }
            )
        return annotations


def results(record: Record, image_id: int, ids: dict[str, int]) -> list[dict[str, Any]]:
    """The findings of one image as entries of a results list.

    Args:
        record: its findings.
        image_id: the image's number.
        ids: class name to category id.
    """
    return [
        {
            "image_id": image_id,
            "category_id": ids[finding.label],
            "bbox": _bbox(finding.box),
            "score": finding.probability,
        }
        for finding in record.findings
    ]


def _image(entry: Entry, image_id: int) -> dict[str, Any]:
    source = entry.record.source
    name = entry.path.as_posix().encode(errors="replace").decode()
    return {"id": image_id, "file_name": name, "width": source.width_px, "height": source.height_px}


def _bbox(box: Box) -> list[float]:
    return [box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0]


def _append(file: IO[bytes], entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        file.write((b",\n" if file.tell() else b"\n") + orjson.dumps(entry))


def _copy(part: IO[bytes], file: Growing) -> None:
    part.seek(0)
    while piece := part.read(_PIECE_BYTES):
        file.append(piece)
