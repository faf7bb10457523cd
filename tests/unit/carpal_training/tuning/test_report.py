"""The table marks what was chosen, and the page says it first."""

from __future__ import annotations

import csv
from pathlib import Path

from carpal.engines.profile import Profile, read_profile
from carpal_training.tuning.report import text, write_report


def test_the_choices_are_marked_in_the_table(profile: Profile):
    lines = text(profile).splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["T", "L"]
    assert lines[3].split()[:2] == ["onnxruntime", "float32"]
    assert lines[3].endswith("float")


def test_a_folder_gets_the_profile_the_table_and_the_page(profile: Profile, tmp_path: Path):
    write_report(profile, tmp_path / "out")
    assert read_profile(tmp_path / "out/profile.json") == profile
    rows = list(csv.DictReader((tmp_path / "out/timings.csv").open()))
    assert [row["images_per_s"] for row in rows] == ["52.5", "50.0", "20.0"]
    page = (tmp_path / "out/tune.html").read_text()
    assert "openvino bfloat16, threads 2, streams 1 (20.0 ms)" in page
    assert "A processor" in page
