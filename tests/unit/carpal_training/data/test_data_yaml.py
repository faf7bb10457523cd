from pathlib import Path

import pytest

from carpal_training.data.data_yaml import read_data_yaml
from carpal_training.errors import TableInvalidError


def write(folder: Path, body: str) -> Path:
    path = folder / "data.yaml"
    path.write_text(body, "utf-8")
    return path


@pytest.mark.parametrize(
    "body",
    [
        "names: 3\n",
        "nc: 2\n",
        "names: [a, a]\n",
        "names: [\n",
        "names: [[a]]\n",
        "names: []\n",
        "names: {a: x}\n",
        "names: {0: x, '0': y}\n",
        "names: [a]\nnames: [b]\n",
        "names: [a]\ntrain: {a: b}\n",
        "- a\n",
    ],
)
def test_read_data_yaml_refuses_invalid_files(tmp_path: Path, body: str) -> None:
    with pytest.raises(TableInvalidError):
        read_data_yaml(write(tmp_path, body))


def test_read_data_yaml_sorts_class_numbers_as_numbers(tmp_path: Path) -> None:
    body = "names:\n" + "".join(f"  '{number}': class{number:02d}\n" for number in range(12))
    assert read_data_yaml(write(tmp_path, body)).names == tuple(f"class{number:02d}" for number in range(12))
    assert read_data_yaml(write(tmp_path, "names: {1: text, 0: fracture}\n")).names == ("fracture", "text")


@pytest.mark.parametrize("body", ["names: {1: a, 2: b}\n", "names: {0: a, 2: b}\n", "names: {-1: a, 0: b}\n"])
def test_read_data_yaml_refuses_gaps_in_class_numbers(tmp_path: Path, body: str) -> None:
    with pytest.raises(TableInvalidError, match="is missing"):
        read_data_yaml(write(tmp_path, body))


def test_read_data_yaml_keeps_names_as_text(tmp_path: Path) -> None:
    body = "\ufeffnames: [no, yes, 1.10, 012, '~']\n"
    assert read_data_yaml(write(tmp_path, body)).names == ("no", "yes", "1.10", "012", "~")


def test_read_data_yaml_refuses_another_number_of_classes(tmp_path: Path) -> None:
    assert read_data_yaml(write(tmp_path, "nc: 2\nnames: [a, b]\n")).names == ("a", "b")
    with pytest.raises(TableInvalidError, match="nc is 3, names has 2 classes"):
        read_data_yaml(write(tmp_path, "nc: 3\nnames: [a, b]\n"))


def test_read_data_yaml_reads_lists_of_each_part(tmp_path: Path) -> None:
    meta = read_data_yaml(write(tmp_path, "path: .\ntrain: [a.txt, b]\nval: c\ntest:\nnames: [x]\n"))
    assert (meta.base, meta.entries) == (".", {"train": ("a.txt", "b"), "val": ("c",)})
    assert read_data_yaml(write(tmp_path, "names: [x]\n")).entries is None
