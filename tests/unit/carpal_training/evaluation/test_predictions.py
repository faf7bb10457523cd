import gzip
from pathlib import Path

import numpy as np
import pytest

from carpal_training.errors import PredictionsInvalidError
from carpal_training.evaluation.findings import Findings
from carpal_training.evaluation.predictions import read_predictions, write_predictions

HEAD = "filestem,split,class_id,x_center,y_center,width,height,confidence\n"


def test_what_is_written_is_read_again(scene: Findings, tmp_path: Path) -> None:
    stems = [sample.stem for sample in scene.samples]
    write_predictions(tmp_path / "p.csv.gz", stems, scene.found, scene.sizes, "test")
    stored = read_predictions(tmp_path / "p.csv.gz", scene.classes)
    assert sorted(stored.found) == stems, "images without a box too"
    assert set(stored.parts.values()) == {"test"}
    for stem, before in zip(stems, scene.found, strict=True):
        np.testing.assert_allclose(stored.found[stem].boxes * 100, before.boxes, atol=1e-4)
        np.testing.assert_allclose(stored.found[stem].probabilities, before.probabilities, atol=1e-6)
        assert stored.found[stem].classes.tolist() == before.classes.tolist()


def test_classes_may_have_names(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(HEAD.replace("class_id", "class") + "a,test,text,0.5,0.5,0.2,0.2,0.9\n")
    found = read_predictions(tmp_path / "p.csv", ("fracture", "text")).found["a"]
    assert found.classes.tolist() == [1]
    np.testing.assert_allclose(found.boxes, [[0.4, 0.4, 0.6, 0.6]])


@pytest.mark.parametrize("row", ["a,test,9,0.5,0.5,0.2,0.2,0.9", "a,test,0,x,0.5,0.2,0.2,0.9", "a,t,0,0.5,0.5,1,1,9"])
def test_a_row_that_is_no_box_is_named(tmp_path: Path, row: str) -> None:
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress((HEAD + row).encode()))
    with pytest.raises(PredictionsInvalidError, match="line 2"):
        read_predictions(tmp_path / "p.csv.gz", ("fracture", "text"))
