import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from carpal_training.data.dataset import Dataset
from carpal_training.data.opening import open_dataset
from carpal_training.data.splits import PARTS, carries_parts, make_split
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


@pytest.mark.parametrize("left_out", ["", "none", " none "])
def test_a_table_may_leave_images_out(data: Path, tmp_path: Path, left_out: str) -> None:
    dataset = open_dataset(data)
    parts = {"1": "train", "2": left_out, "3": "val", "4": "test"}
    rows = ["filestem,split", *(f"{sample.stem},{parts[sample.patient]}" for sample in dataset.samples)]
    (tmp_path / "split.csv").write_text("\n".join(rows))
    split = make_split(dataset, SplitPlan(file=str(tmp_path / "split.csv")))
    assert {sample.patient for part in PARTS for sample in split.samples(dataset, part)} == {"1", "3", "4"}
    assert len(split.homes) == 6
    (tmp_path / "again.csv").write_text(split.csv(dataset))
    assert make_split(dataset, SplitPlan(file=str(tmp_path / "again.csv"))) == split
    assert split.csv(dataset).count(",none") == 2


def test_left_out_images_of_a_patient_in_a_part_are_no_leak(data: Path, tmp_path: Path) -> None:
    dataset = open_dataset(data)
    rows = ["filestem,split"]
    for index, sample in enumerate(dataset.samples):
        rows.append(f"{sample.stem},{'none' if index % 2 else {'1': 'train', '2': 'val'}.get(sample.patient, 'test')}")
    (tmp_path / "split.csv").write_text("\n".join(rows))
    assert len(make_split(dataset, SplitPlan(file=str(tmp_path / "split.csv"))).homes) == 4


def test_an_unknown_part_and_an_image_in_two_parts_are_refused(data: Path, tmp_path: Path) -> None:
    dataset = open_dataset(data)
    stem, table = dataset.samples[0].stem, tmp_path / "split.csv"
    table.write_text(f"filestem,split\n{stem},valid\n")
    with pytest.raises(SplitInvalidError, match=r"line 2: unknown part 'valid' .* \(known: train, val, test, none\)"):
        make_split(dataset, SplitPlan(file=str(table)))
    table.write_text(f"filestem,split\n{stem},train\n{stem},val\n")
    with pytest.raises(SplitInvalidError, match=r"line 3: .* is in train and in val"):
        make_split(dataset, SplitPlan(file=str(table)))


def with_parts(dataset: Dataset, parts: dict[str, str | None]) -> Dataset:
    """The dataset with a part for each patient."""
    return replace(dataset, samples=tuple(replace(one, part=parts[one.patient]) for one in dataset.samples))


def test_parts_that_the_dataset_carries_are_used_unless_the_plan_ignores_them(data: Path) -> None:
    dataset = with_parts(open_dataset(data), {"1": "val", "2": "train", "3": None, "4": "none"})
    split = make_split(dataset, SplitPlan())
    assert {part: sorted({one.patient for one in split.samples(dataset, part)}) for part in PARTS} == {
        "train": ["2"], "val": ["1"], "test": [],
    }  # fmt: skip
    dealt = make_split(dataset, SplitPlan(train=0.4, val=0.3, carried=False))
    assert {one.patient for part in PARTS for one in dealt.samples(dataset, part)} == {"1", "2", "3"}


def test_a_dataset_that_only_leaves_images_out_is_dealt(data: Path) -> None:
    dataset = with_parts(open_dataset(data), {"1": None, "2": None, "3": None, "4": "none"})
    assert not carries_parts(dataset)
    for stratified in (True, False):
        split = make_split(dataset, SplitPlan(train=0.4, val=0.3, stratified=stratified))
        assert {one.patient for part in PARTS for one in split.samples(dataset, part)} == {"1", "2", "3"}


def test_carried_parts_with_a_leak_or_without_validation_are_refused(data: Path) -> None:
    dataset = open_dataset(data)
    halves = tuple(
        replace(one, part="train" if index % 2 else "val", exam=replace(one.exam, patient="block-0001"))
        for index, one in enumerate(dataset.samples)
    )
    with pytest.raises(LeakFoundError, match="both are of group block-0001"):
        make_split(replace(dataset, samples=halves, unit="group"), SplitPlan())
    with pytest.raises(SplitInvalidError, match="val has no image: 4 patients, the split of the dataset"):
        make_split(with_parts(dataset, dict.fromkeys("1234", "train")), SplitPlan())
