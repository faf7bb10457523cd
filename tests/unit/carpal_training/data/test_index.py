import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
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


def test_parts_groups_and_unit_are_kept(phantoms: Path, tmp_path: Path) -> None:
    dataset = open_dataset(phantoms)
    parts = ("train", "val", "test", "none", None)
    samples = tuple(
        replace(one, part=parts[index % 5], exam=replace(one.exam, groups=(("site", "Graz"),)))
        for index, one in enumerate(dataset.samples)
    )
    dataset = replace(dataset, samples=samples, unit="group")
    digests, prints = dataset.file_digests(), [None] * len(samples)
    header = write_index(dataset, tmp_path, layout="graz", command="c", digests=digests, prints=prints)
    after = read_index(tmp_path)
    assert (header.unit, after.unit) == ("group", "group")
    assert [one.part for one in after.samples] == [one.part for one in samples]
    assert after.samples[0].exam.groups == (("site", "Graz"),)


def test_an_index_without_the_newer_fields_is_read(imported: Path) -> None:
    header = orjson.loads((imported / INDEX).read_bytes())
    del header["unit"]
    (imported / INDEX).write_bytes(orjson.dumps(header))
    lines = [orjson.loads(line) for line in (imported / LINES).read_bytes().splitlines()]
    for line in lines:
        del line["part"], line["exam"]["groups"]
    (imported / LINES).write_bytes(b"\n".join(map(orjson.dumps, lines)) + b"\n")
    dataset = read_index(imported)
    assert (dataset.unit, {one.part for one in dataset.samples}) == ("patient", {None})


def test_images_behind_symbolic_links_are_imported(phantoms: Path, tmp_path: Path) -> None:
    """The index names the link in the dataset's folder, not the file elsewhere."""
    shutil.copytree(phantoms, tmp_path / "set")
    image = open_dataset(tmp_path / "set").samples[0].image
    image.rename(tmp_path / "elsewhere.png")
    image.symlink_to(tmp_path / "elsewhere.png")
    dataset = open_dataset(tmp_path / "set")
    (tmp_path / "index").mkdir()
    prints = [None] * len(dataset.samples)
    write_index(dataset, tmp_path / "index", layout="graz", command="c", digests=dataset.file_digests(), prints=prints)
    assert read_index(tmp_path / "index").samples[0].image == image
