import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from carpal.phantoms.cli import register


@pytest.fixture
def run():
    def call(*arguments: object) -> Result:
        app = typer.Typer()
        register(app)
        app.callback()(lambda: None)
        return CliRunner().invoke(app, ["phantoms", *map(str, arguments)])

    return call


def test_json_is_one_document_on_stdout(run, tmp_path: Path):
    result = run(tmp_path / "set", "--count", 4, "--size", 128, "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["count"] == 4
    assert document["boxes"]["text"] >= 4


def test_the_last_line_says_what_was_made_and_the_next_command(run, tmp_path: Path):
    out = tmp_path / "set"
    result = run(out, "--count", 2, "--size", 128, "--seed", 3, "--format", "both", "--prevalence", "graz")
    (line,) = result.stdout.splitlines()
    assert line.startswith("2 phantoms with ")
    assert f"--data {out}" in line
    assert len(list(out.glob("dicom/*.dcm"))) == 2


def test_a_contact_sheet_puts_real_images_beside(run, tmp_path: Path):
    run(tmp_path / "real", "--count", 2, "--size", 128)
    (folder,) = {path.parent for path in (tmp_path / "real").glob("images_part*/*.png")}
    sheet = tmp_path / "sheet.png"
    arguments = ("--count", 2, "--size", 128, "--contact-sheet", sheet)
    assert run(tmp_path / "set", *arguments, "--beside", folder, "--boxes").exit_code == 0
    beside = sheet.stat().st_size
    assert run(tmp_path / "set", *arguments).exit_code == 0
    assert sheet.stat().st_size < beside


def test_an_unknown_prevalence_is_refused(run, tmp_path: Path):
    assert run(tmp_path / "set", "--prevalence", "hospital").exit_code == 2
