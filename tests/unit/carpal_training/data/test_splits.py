import gzip
from pathlib import Path

import pytest

from carpal_training.data.opening import open_dataset
from carpal_training.data.splits import PARTS, make_split
from carpal_training.errors import LeakFoundError, SplitInvalidError
from carpal_training.recipe import SplitPlan


def test_every_image_is_in_one_part_and_every_patient_too(data: Path) -> None:
    dataset = open_dataset(data)
    split = make_split(dataset, SplitPlan(train=0.5, val=0.25))
    assert sorted(stem for part in PARTS for stem in split.parts[part]) == [sample.stem for sample in dataset.samples]
    patients = [{sample.patient for sample in split.samples(dataset, part)} for part in PARTS]
    assert [len(group) for group in patients] == [2, 1, 1]
    assert not set.intersection(*patients[:2])


def test_the_seed_decides_and_the_digest_tells(data: Path) -> None:
    dataset = open_dataset(data)
    splits = [make_split(dataset, SplitPlan(train=0.5, val=0.25, seed=seed)) for seed in (0, 0, 1, 2, 3)]
    assert splits[0] == splits[1]
    assert len({split.digest for split in splits}) > 1


def test_a_published_table_is_followed(data: Path, tmp_path: Path) -> None:
    dataset = open_dataset(data)
    parts = dict(zip("1234", ("val", "train", "test", "train"), strict=True))
    rows = ["filestem,split", *(f"{sample.stem},{parts[sample.patient]}" for sample in dataset.samples)]
    table = tmp_path / "split.csv.gz"
    table.write_bytes(gzip.compress("\n".join(rows).encode()))
    split = make_split(dataset, SplitPlan(file=str(table)))
    assert {sample.patient for sample in split.samples(dataset, "train")} == {"2", "4"}


def test_a_table_that_cuts_a_patient_in_two_is_refused(data: Path, tmp_path: Path) -> None:
    dataset = open_dataset(data)
    rows = [f"{sample.stem},{'train' if index % 2 else 'val'}" for index, sample in enumerate(dataset.samples)]
    (tmp_path / "split.csv").write_text("\n".join(["filestem,split", *rows]))
    with pytest.raises(LeakFoundError, match=r"\(val\) and .*\(train\): both are of patient 1"):
        make_split(dataset, SplitPlan(file=str(tmp_path / "split.csv")))


@pytest.mark.parametrize("body", ["filestem,split\n", "a,b\n1,2\n"])
def test_a_table_that_leaves_an_image_out_is_refused(data: Path, tmp_path: Path, body: str) -> None:
    (tmp_path / "split.csv").write_text(body)
    with pytest.raises(SplitInvalidError):
        make_split(open_dataset(data), SplitPlan(file=str(tmp_path / "split.csv")))


def test_a_split_without_validation_images_is_refused(data: Path) -> None:
    with pytest.raises(SplitInvalidError, match="val has no image"):
        make_split(open_dataset(data), SplitPlan(train=1.0, val=0.0))


def test_fractions_beyond_the_whole_are_refused() -> None:
    with pytest.raises(ValueError, match="more than the whole"):
        SplitPlan(train=0.8, val=0.3)
