"""One run, one list of classes."""

from __future__ import annotations

import pytest
from tests.unit.carpal.records.writers.table_samples import CLASSES, record

from carpal.records.errors import ClassesDifferError
from carpal.records.writers.classes import Classes


def test_the_first_record_names_the_classes_in_the_models_order():
    classes = Classes()
    assert classes.names == ()
    assert classes.check(record()) == CLASSES
    assert classes.check(record(findings=())) == CLASSES
    assert classes.names == CLASSES


@pytest.mark.parametrize("other", [CLASSES[::-1], CLASSES[:1] + CLASSES[2:], (*CLASSES, "metal")])
def test_a_record_of_another_model_is_refused(other: tuple[str, ...]):
    classes = Classes()
    classes.check(record(findings=()))
    with pytest.raises(ClassesDifferError, match="text"):
        classes.check(record(findings=(), classes=other))
    assert classes.names == CLASSES
