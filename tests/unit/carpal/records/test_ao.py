"""AO codes: clean ones stay, dirty ones are repaired, foreign ones are flagged, and nothing written is lost."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carpal.records.ao import parse_ao

TABLE = Path(__file__).resolve().parents[5] / "shared" / "data" / "graz" / "dataset.csv.gz"


@pytest.fixture(scope="module")
def cells() -> Counter[str]:
    """Every distinct cell of ao_classification in GRAZPEDWRI-DX, with the number of its rows."""
    if not TABLE.exists():
        pytest.skip("the dataset's table is not here: ../shared/data/graz/dataset.csv.gz is absent")
    with gzip.open(TABLE) as body:
        rows = csv.DictReader(io.TextIOWrapper(body, "utf-8-sig", newline=""))
        return Counter(row["ao_classification"] for row in rows)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("23r-M/3.1", "23r-M/3.1"),
        ("23u-E7", "23u-E/7"),
        ("23u/E/7", "23u-E/7"),
        ("23r-M3.1", "23r-M/3.1"),
        ("23u-M/2.", "23u-M/2"),
        ("23r-E/1 ", "23r-E/1"),
        ("23R-m/2.1", "23r-M/2.1"),
        ("23r-E/2.1, 23u-E/7", "23r-E/2.1; 23u-E/7"),
        ("23r-M/2.1;23u-E/7", "23r-M/2.1; 23u-E/7"),
        ("23r-E/2.1;  23u-E/7;", "23r-E/2.1; 23u-E/7"),
        ("", ""),
    ],
)
def test_a_dirty_code_gets_its_one_form_and_keeps_what_was_written(written: str, meant: str):
    parsed = parse_ao(written)
    assert (parsed.text, parsed.raw, parsed.unmatched) == (meant, written, ())


def test_a_code_is_taken_apart_and_put_in_words():
    (code,) = parse_ao("23r-M/3.1").codes
    assert (code.bone, code.segment, code.letter, code.part, code.child, code.severity) == (
        "2",
        "3",
        "r",
        "M",
        "3",
        "1",
    )
    assert code.words == "distal radius, metaphysis, complete, simple"
    assert not code.repaired
    assert parse_ao("22-D/4").codes[0].words == "shaft forearm, diaphysis, complete, transverse (at most 30 degrees)"


@pytest.mark.parametrize(
    "foreign", ["72B(b)", "72B.(b)", "77.5.1A", "76.2.A", "fracture", "23r-M", "23r-X/1", "93-M/2"]
)
def test_what_is_no_pediatric_code_is_flagged_and_kept(foreign: str):
    parsed = parse_ao(f"23r-M/3.1; {foreign}")
    assert parsed.unmatched == (foreign,)
    assert parsed.text == f"23r-M/3.1; {foreign}"


@pytest.mark.parametrize(
    ("code", "doubt"),
    [
        ("23r-D/2.1", "diaphysis in the distal segment"),
        ("22r-M/2.1", "metaphysis in the shaft segment"),
        ("22r-D/3.1", "no pattern D/3 is known here"),
        ("23r-M/2.3", "no severity 3 is known"),
        ("23t-M/2.1", "the forearm has no tibia"),
    ],
)
def test_a_code_that_contradicts_itself_is_kept_with_its_doubt(code: str, doubt: str):
    (parsed,) = parse_ao(code).codes
    assert parsed.code == code
    assert parsed.doubts == (doubt,)
    assert parsed.words


@given(st.text(max_size=40))
def test_nothing_that_is_typed_is_an_error_and_the_one_form_is_final(written: str):
    parsed = parse_ao(written)
    assert parsed.raw == written
    assert parse_ao(parsed.text).text == parsed.text


def test_all_108_cells_of_the_dataset_are_understood_or_flagged(cells: Counter[str]):
    parsed = {cell: parse_ao(cell) for cell in cells}
    assert (len(cells), sum(cells.values()), cells[""]) == (108, 20327, 6169)
    assert sum(cell != one.text for cell, one in parsed.items()) == 10
    assert sum(bool(one.unmatched) for one in parsed.values()) == 10
    understood = Counter({code.code: 0 for one in parsed.values() for code in one.codes})
    for cell, one in parsed.items():
        for code in one.codes:
            understood[code.code] += cells[cell]
    assert (len(understood), understood.total()) == (38, 19883)
    assert understood["23r-M/3.1"] == 5174 + 4  # four were written 23r-M3.1
    assert understood["23u-E/7"] == 3224  # of these 8 were written 23u-E7 and 4 were written 23u/E/7


def test_what_was_repaired_flagged_and_doubted_in_the_dataset_is_known_one_by_one(cells: Counter[str]):
    repaired, flagged, doubted = Counter[str](), Counter[str](), Counter[str]()
    for cell, count in cells.items():
        one = parse_ao(cell)
        repaired.update({code.raw: count for code in one.codes if code.repaired})
        doubted.update({code.code: count for code in one.codes if code.doubts})
        flagged.update(dict.fromkeys(one.unmatched, count))
    assert repaired == {"23u-E7": 8, "23u-M/2.": 5, "23u/E/7": 4, "23r-M3.1": 4}
    assert doubted == {"23r-D/2.1": 4, "22r-D/3.1": 4, "23u-D/2.1": 2}
    assert flagged == {
        "72B(b)": 52,
        "72B(c)": 38,
        "72B.(b)": 10,
        "77.5.1A": 4,
        "77.1.1A": 3,
        "77.2.1A": 2,
        "77.3.1C": 2,
        "77.4.1A": 2,
        "76.2.A": 2,
    }
