import csv
import io
from pathlib import Path

from carpal.reports.page import render
from carpal_training.data.assembly import assemble
from carpal_training.data.card import make_card
from carpal_training.data.card_page import UNKNOWN_PATIENTS, card_page, issues_csv
from carpal_training.data.graz import read_graz


def test_the_page_says_whether_training_can_start_and_what_to_do(phantoms: Path) -> None:
    source = read_graz(phantoms)
    dataset = assemble(source)
    card = make_card(dataset, source.issues, layout="graz", command="carpal train import", digest=None)
    html = render(card_page(card, source.issues))
    assert "Training can start." in html
    assert "carpal train import" in html
    source.issues.add("bad-label", "a", "a.txt line 1", "class <9>")
    html = render(card_page(card, source.issues))
    assert "1 errors keep training from starting." in html
    assert "class &lt;9&gt;" in html
    assert "Correct the label" in html


def test_every_issue_is_a_row_with_its_remedy(phantoms: Path) -> None:
    issues = read_graz(phantoms, "supervisely").issues
    rows = list(csv.DictReader(io.StringIO(issues_csv(issues.found))))
    assert len(rows) == len(issues.found) == 12
    assert {row["kind"] for row in rows} == {"left-out-object"}
    assert all(row["remedy"] for row in rows)


def test_the_page_says_that_groups_take_the_place_of_unknown_patients(phantoms: Path) -> None:
    source = read_graz(phantoms)
    source.unit = "group"
    source.parts = dict.fromkeys(source.images, "train")
    card = make_card(assemble(source), source.issues, layout="graz", command="c", digest=None)
    html = render(card_page(card, source.issues))
    assert "12 images of 3 groups" in html
    assert UNKNOWN_PATIENTS in html
    assert "images in train" in html
    source.unit = "patient"
    card = make_card(assemble(source), source.issues, layout="graz", command="c", digest=None)
    assert "unknown" not in card_page(card, source.issues).answer
