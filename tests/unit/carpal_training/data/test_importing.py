import shlex
import shutil
from pathlib import Path

import orjson
import pytest

from carpal.cli import run
from carpal.errors import UsageError
from carpal.terminal import Terminal
from carpal_training.data.importing import ImportPlan, check_free, import_dataset
from carpal_training.data.opening import open_dataset
from carpal_training.data.patients import PatientRule
from carpal_training.data.polygons import read_polygons
from carpal_training.errors import ClassUnknownError, DatasetExistsError, DatasetMissingError, LabelInvalidError

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


def test_classes_and_options_of_other_layouts(phantoms: Path, tmp_path: Path) -> None:
    card = import_dataset(
        ImportPlan("graz", phantoms, prints=False, classes=("text", "fracture")), tmp_path / "out", QUIET
    )
    assert list(card.classes) == ["text", "fracture"]
    for plan, message in (
        (ImportPlan("graz", phantoms, labels="coco"), "--labels coco"),
        (ImportPlan("voc", phantoms, labels="voc"), "--labels voc"),
        (ImportPlan("graz", phantoms, rule=PatientRule(each_image=True)), "names its patients itself"),
        (ImportPlan("fracatlas", phantoms, rule=PatientRule(each_image=True)), "names its groups itself"),
        (ImportPlan("graz", phantoms, authors_split=True), "--authors-split"),
    ):
        with pytest.raises(UsageError, match=message):
            import_dataset(plan, tmp_path / "out", QUIET)
    with pytest.raises(ClassUnknownError, match="no class 'bone'"):
        import_dataset(ImportPlan("graz", phantoms, classes=("bone",)), tmp_path / "out", QUIET)


def test_fracatlas_is_imported_with_polygons_and_split_by_group(
    atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my set"
    assert run(["train", "import", "fracatlas", str(atlas), "--authors-split", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "Imported 6 images of 2 groups, 2 boxes" in said
    assert "Parts of the dataset: train 1, val 1, none 4" in said
    assert f"--data '{out}'" in said
    dataset = open_dataset(out)
    assert (dataset.unit, set(read_polygons(out))) == ("group", {"IMG0000019", "IMG0000040"})
    assert orjson.loads((out / "card.json").read_bytes())["unit"] == "group"
    table = tmp_path / "split.csv"
    assert run(["train", "split", "--data", str(out), "--out", str(table)]) == 0
    said = capsys.readouterr().out
    assert "train: 1 images of 1 groups" in said
    assert "in no part: 4 images" in said
    assert "No group and no image is in two parts." in said
    assert run(["train", "split", "--data", str(out), "--file", str(table)]) == 0
    table.write_text(table.read_text().replace("IMG0000070,none", "IMG0000070,val"))
    assert run(["train", "split", "--data", str(out), "--file", str(table)]) == 2
    assert "[dataset.leak]" in capsys.readouterr().err


def test_groups_of_a_pattern_are_imported(atlas: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "yolo"
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    (root / "data.yaml").write_text("names: [fracture]\n")
    for stem in ("IMG0000000", "IMG0000001"):
        shutil.copy(atlas / f"images/Non_fractured/{stem}.jpg", root / "images")
        (root / f"labels/{stem}.txt").write_text("")
    arguments = ["train", "import", "yolo", str(root), "--group-pattern", r"(?P<group>IMG\d{6})"]
    assert run([*arguments, "--classes", "fracture", "--out", str(tmp_path / "out")]) == 0
    assert "Imported 2 images of 1 groups" in capsys.readouterr().out
    command = orjson.loads((tmp_path / "out/dataset.json").read_bytes())["command"]
    assert shlex.split(command)[5:9] == ["--classes", "fracture", "--group-pattern", r"(?P<group>IMG\d{6})"]
    assert run([*arguments, "--classes", "fracture,,metal", "--out", str(tmp_path / "out")]) == 2
    assert run([*arguments, "--groups", "g.csv", "--out", str(tmp_path / "out")]) == 2


def test_the_real_cut_is_imported_from_any_folder(
    fracatlas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same digest and index, whatever path leads to the dataset; the source is relative."""
    monkeypatch.chdir(fracatlas.parent)
    here = import_dataset(ImportPlan("fracatlas", Path("fracatlas"), prints=False), tmp_path / "a", QUIET)
    monkeypatch.chdir(tmp_path)
    there = import_dataset(ImportPlan("fracatlas", fracatlas, prints=False), tmp_path / "b", QUIET)
    assert here.digest == there.digest
    assert here.parts == {"train": 3185, "val": 440, "test": 294, "none": 19}
    assert (tmp_path / "a/images.jsonl").read_bytes() == (tmp_path / "b/images.jsonl").read_bytes()
    source = orjson.loads((tmp_path / "a/dataset.json").read_bytes())["source"]
    assert not Path(source).is_absolute()
