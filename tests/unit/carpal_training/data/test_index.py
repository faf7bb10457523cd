import shutil
from pathlib import Path

import numpy as np
import pytest

from carpal_training.data.index import INDEX, LINES, read_index, write_index
from carpal_training.data.opening import open_dataset
from carpal_training.errors import DatasetChangedError, DatasetMissingError, ImagesMissingError, TableInvalidError


@pytest.fixture
def imported(phantoms: Path, tmp_path: Path) -> Path:
    """An index beside a copy of the phantoms."""
    shutil.copytree(phantoms, tmp_path / "set")
    dataset = open_dataset(tmp_path / "set")
    (tmp_path / "index").mkdir()
    digests = dataset.file_digests()
    write_index(
        dataset, tmp_path / "index", layout="graz", command="c", digests=digests, prints=[None] * len(dataset.samples)
    )
    return tmp_path / "index"


def test_what_is_read_is_what_was_written(imported: Path) -> None:
    before, after = open_dataset(imported.parent / "set"), read_index(imported)
    assert after.digest == before.digest
    assert (after.name, after.classes) == (before.name, before.classes)
    for one, other in zip(before.samples, after.samples, strict=True):
        assert (one.stem, one.exam, one.image.resolve()) == (other.stem, other.exam, other.image)
        np.testing.assert_array_equal(one.boxes, other.boxes)


def test_both_may_be_moved_together_and_the_images_may_not_go_alone(imported: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for name in ("set", "index"):
        (tmp_path / name).rename(tmp_path / "new" / name)
    assert len(read_index(tmp_path / "new/index").samples) == 12
    (tmp_path / "new/set").rename(tmp_path / "elsewhere")
    with pytest.raises(DatasetMissingError, match="imported from it"):
        read_index(tmp_path / "new/index")


def test_an_image_that_is_gone_or_another_one_is_refused(imported: Path) -> None:
    image = read_index(imported).samples[3].image
    body = image.read_bytes()
    image.write_bytes(body + b"\0")
    with pytest.raises(DatasetChangedError, match=image.name):
        read_index(imported)
    image.unlink()
    with pytest.raises(ImagesMissingError, match=image.name):
        read_index(imported)


def test_a_broken_index_is_refused(imported: Path) -> None:
    lines = (imported / LINES).read_text().splitlines()
    (imported / LINES).write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(TableInvalidError, match="11 lines"):
        read_index(imported)
    (imported / LINES).write_text("{}\n")
    with pytest.raises(TableInvalidError, match="line 1"):
        read_index(imported)
    (imported / INDEX).write_text("{")
    with pytest.raises(TableInvalidError):
        read_index(imported)
