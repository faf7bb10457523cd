from pathlib import Path

import numpy as np
import pytest

from carpal_training.data.assembly import assemble
from carpal_training.data.class_subset import keep_classes
from carpal_training.data.exam import Exam
from carpal_training.data.source import Annotation, Polygon, Source
from carpal_training.errors import ClassUnknownError

RING = ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2))


def source(*labels: int | str) -> Source:
    items = tuple(
        Annotation(label, (0.1 * place, 0.1, 0.1 * place + 0.1, 0.3), "a.txt") for place, label in enumerate(labels)
    )
    return Source(
        Path("set"),
        "set",
        ("fracture", "metal", "text"),
        {"a": Path("set/a.png")},
        {"a": (10, 10)},
        {"a": Exam("1", seen=(("fracture", True), ("metal", True)))},
        {"a": items},
        polygons={"a": (Polygon("text", (RING,)), Polygon("metal", (RING,)))},
    )


@pytest.mark.parametrize("labels", [(0, 1, 2, 2), ("fracture", "metal", "text", "text")])
def test_keep_classes_keeps_these_in_this_order(labels: tuple[int | str, ...]) -> None:
    kept = keep_classes(source(*labels), ("text", "fracture"))
    dataset = assemble(kept)
    assert dataset.classes == ("text", "fracture")
    assert dataset.samples[0].classes.tolist() == [1, 0, 0]
    np.testing.assert_allclose(dataset.samples[0].boxes[:, 0], [0.0, 0.2, 0.3], atol=1e-9)
    assert kept.polygons == {"a": (Polygon("text", (RING,)),)}
    assert dataset.samples[0].exam.seen == (("fracture", True),)
    assert [(issue.kind, issue.place, issue.detail) for issue in kept.issues.found if issue.kind != "rare-class"] == [
        ("left-out-class", "metal", "1 boxes")
    ]


@pytest.mark.parametrize("label", [7, "other"])
def test_keep_classes_still_reports_invalid_labels(label: int | str) -> None:
    kept = keep_classes(source(0, label), ("fracture",))
    assemble(kept)
    assert [issue.kind for issue in kept.issues.errors] == ["bad-label"]


def test_keep_classes_refuses_unknown_names() -> None:
    with pytest.raises(ClassUnknownError, match=r"no class 'fractur' \(known: fracture, metal, text\)"):
        keep_classes(source(0), ("fractur",))
