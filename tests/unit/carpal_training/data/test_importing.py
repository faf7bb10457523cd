import shutil
from pathlib import Path

import orjson
import pytest

from carpal.cli import run
from carpal.terminal import Terminal
from carpal_training.data.importing import ImportPlan, check_free, import_dataset
from carpal_training.data.opening import open_dataset
from carpal_training.errors import DatasetExistsError, DatasetMissingError, LabelInvalidError

QUIET = Terminal(quiet=True)


def test_an_import_trains_as_the_layout_itself_does(phantoms: Path, tmp_path: Path) -> None:
    card = import_dataset(ImportPlan("graz", phantoms), tmp_path / "out", QUIET)
    before, after = open_dataset(phantoms), open_dataset(tmp_path / "out")
    assert after.digest == before.digest == card.digest
    assert all(sample.print_ for sample in after.samples)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "dataset.json", "images.jsonl", "card.json", "card.html", "issues.csv",
    }  # fmt: skip
    import_dataset(ImportPlan("graz", phantoms, prints=False), tmp_path / "out", QUIET)
    assert not any(sample.print_ for sample in open_dataset(tmp_path / "out").samples)


def test_a_dataset_with_errors_leaves_the_report_and_no_index(phantoms: Path, tmp_path: Path) -> None:
    shutil.copytree(phantoms, tmp_path / "set")
    label = sorted((tmp_path / "set/folder_structure/yolov5/labels").glob("*.txt"))[0]
    label.write_text("9 0.5 0.5 0.1 0.1")
    with pytest.raises(LabelInvalidError, match="class 9; known are 0 to 8"):
        import_dataset(ImportPlan("graz", tmp_path / "set"), tmp_path / "out", QUIET)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"card.json", "card.html", "issues.csv"}
    assert "class 9" in (tmp_path / "out/issues.csv").read_text()
    assert orjson.loads((tmp_path / "out/card.json").read_bytes())["digest"] is None
    with pytest.raises(LabelInvalidError):
        open_dataset(tmp_path / "set")


def test_a_folder_with_something_else_is_not_written_into(tmp_path: Path) -> None:
    check_free(tmp_path / "new")
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(DatasetExistsError):
        check_free(tmp_path)
    with pytest.raises(DatasetMissingError):
        import_dataset(ImportPlan("graz", tmp_path / "nothing"), tmp_path / "out", QUIET)


@pytest.mark.parametrize("layout", ["yolo", "voc"])
def test_the_general_layouts_read_what_the_special_one_holds(phantoms: Path, tmp_path: Path, layout: str) -> None:
    """Phantoms, laid out anew: images beside labels, as other datasets come."""
    (tmp_path / "set/images").mkdir(parents=True)
    (tmp_path / "set/labels").mkdir()
    for image in phantoms.glob("images_part*/*.png"):
        shutil.copy(image, tmp_path / "set/images")
    form, target = {"yolo": ("yolov5/labels", "labels"), "voc": ("pascalvoc", "xml")}[layout]
    shutil.copytree(phantoms / "folder_structure" / form, tmp_path / "set" / target, dirs_exist_ok=True)
    shutil.copy(phantoms / "folder_structure/yolov5/meta.yaml", tmp_path / "set/data.yaml")
    import_dataset(ImportPlan(layout, tmp_path / "set", prints=False), tmp_path / "out", QUIET)
    before, after = open_dataset(phantoms), open_dataset(tmp_path / "out")
    assert {name: count for name, count in before.instances().items() if count} == {
        name: count for name, count in after.instances().items() if count
    }
    assert [sample.patient for sample in before.samples] == [sample.patient for sample in after.samples]


def test_the_commands_import_and_split(phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert run(["train", "import", "graz", str(phantoms), "--out", out]) == 0
    assert "12 images of 3 patients" in capsys.readouterr().out
    table = tmp_path / "split.csv"
    assert run(["train", "split", "--data", out, "--train", "0.4", "--val", "0.3", "--out", str(table), "--json"]) == 0
    parts = orjson.loads(capsys.readouterr().out)["parts"]
    assert {part: one["patients"] for part, one in parts.items()} == {"train": 1, "val": 1, "test": 1}
    assert run(["train", "split", "--data", out, "--file", str(table)]) == 0
    rows = table.read_text().splitlines()
    table.write_text("\n".join([*rows[:-1], rows[-1].split(",")[0] + (",val" if ",train" in rows[-1] else ",train")]))
    assert run(["train", "split", "--data", out, "--file", str(table)]) == 2
    assert "[dataset.leak]" in capsys.readouterr().err
    assert run(["train", "import", "grasp", str(phantoms)]) == 2
    assert run(["train", "split", "--data", out, "--train", "0.9", "--val", "0.9"]) == 2
