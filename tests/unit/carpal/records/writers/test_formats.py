"""The formats on offer: chosen by name, said in the help and on the page, loaded when asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from carpal.detection.detector import Detector
from carpal.records.cli import OFFERED
from carpal.records.errors import UnknownFormatError
from carpal.records.writers.formats import FORMATS, choose
from carpal.records.writers.writer import Converted

PAGE = Path(__file__).resolve().parents[5] / "docs/reference/formats.md"


def test_formats_are_chosen_once_each_in_one_order():
    assert [one.name for one in choose(["csv, JSONL,,coco", "csv"])] == ["jsonl", "coco", "csv"]


@pytest.mark.parametrize(
    ("word", "near"), [("cocco", "coco"), ("fhir", "fhir-r"), ("labelstudio", "label-studio"), ("pngs", "png")]
)
def test_an_unknown_format_offers_the_nearest(word: str, near: str):
    with pytest.raises(UnknownFormatError, match=f"did you mean {near}") as caught:
        choose([f"jsonl,{word}"])
    assert "parquet" in caught.value.why


def test_a_word_like_nothing_offers_the_list():
    with pytest.raises(UnknownFormatError) as caught:
        choose(["xyzzy!"])
    assert "did you mean" not in caught.value.what


@pytest.mark.parametrize("words", [[], [""], [" , "]])
def test_no_format_at_all_is_an_error(words: list[str]):
    with pytest.raises(UnknownFormatError, match="no format"):
        choose(words)


def test_the_help_offers_exactly_what_there_is():
    assert OFFERED.split(", ") == list(FORMATS)


def test_the_page_describes_every_format_and_its_place():
    page = PAGE.read_text()
    for one in FORMATS.values():
        assert f"## {one.name}\n" in page, one.name
        assert f"`{one.place}" in page, one.place


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.render])
def test_what_belongs_to_one_image_lies_in_the_place_of_its_format(name: str, detector: Detector, grey_png, tmp_path):
    path = tmp_path / "wrist.png"
    path.write_bytes(grey_png())
    one = FORMATS[name]
    one.load()
    from carpal.imaging.readers import read

    radiograph = read(path)
    assert one.render is not None
    files = one.render(Converted(path, "wrist-2", detector.detect(radiograph), radiograph))
    assert [place.startswith(f"{one.place}wrist-2.") for place in files] == [True]
    assert all(files.values())


def test_knowing_the_formats_imports_none_of_them():
    code = "import sys, carpal.records.writers.formats; print(*{'cv2', 'pyarrow', 'highdicom'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert set(done.stdout.split()) <= {"cv2"}
