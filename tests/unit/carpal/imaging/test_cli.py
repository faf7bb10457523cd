"""``carpal preview`` as its user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import cv2
import pytest

from carpal.cli import GROUP, run
from carpal.imaging.preprocess import Chain, FieldCrop, Letterbox, Scale

Streams = pytest.CaptureFixture[str]
GROUPS = [EntryPoint("preview", "carpal.imaging.cli:register", GROUP)]


@pytest.fixture
def wrist(tmp_path: Path, grey_png: Callable[..., bytes]) -> Path:
    path = tmp_path / "wrist.png"
    path.write_bytes(grey_png(80, 100))
    return path


def preview(*words: object) -> int:
    return run(["preview", *(str(word) for word in words)], GROUPS)


def test_the_chain_of_a_package_becomes_a_picture(wrist: Path, tiny_package: Path, tmp_path: Path, capsys: Streams):
    out = tmp_path / "steps.png"
    assert preview(wrist, "--steps", "--model", tiny_package, "--out", out) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"3 images in {out}; chain sha256:")
    assert "running 2 steps (percentile-stretch, letterbox)" in shown.err
    assert cv2.imread(str(out)) is not None


def test_a_chain_from_a_file_is_told_step_by_step(wrist: Path, tmp_path: Path, capsys: Streams):
    chain = Chain(steps=(FieldCrop(), Scale(), Letterbox(height_px=32, width_px=64)))
    file, out = tmp_path / "chain.json", tmp_path / "steps.png"
    file.write_bytes(chain.to_json())
    assert preview(wrist, "--chain", file, "--out", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["digest"], told["picture"]) == (chain.digest, str(out))
    assert [step["name"] for step in told["steps"]] == ["field-crop", "scale", "letterbox"]
    assert [step["dtype"] for step in told["steps"]] == ["uint16", "uint8", "uint8"]
    assert (told["steps"][-1]["width_px"], told["steps"][-1]["height_px"]) == (64, 32)
    assert told["steps"][0]["finds"] == ["field 80 x 100 px about (40, 50), turned 0.0 deg"]


@pytest.mark.parametrize(
    ("text", "code"),
    [(None, "usage.invalid"), ("{", "config.invalid"), ('{"steps": [{"name": "clahee"}]}', "config.invalid")],
)
def test_a_bad_chain_is_refused_with_its_code(
    wrist: Path, tmp_path: Path, capsys: Streams, text: str | None, code: str
):
    file = tmp_path / "chain.json"
    if text is not None:
        file.write_text(text)
    assert preview(wrist, "--chain", file, "--out", tmp_path / "steps.png") == 2
    assert f"[{code}]" in capsys.readouterr().err
    assert not (tmp_path / "steps.png").exists()


def test_what_is_no_image_is_refused(tmp_path: Path, tiny_package: Path, capsys: Streams):
    (tmp_path / "wrist.png").write_bytes(b"nonsense")
    assert preview(tmp_path / "wrist.png", "--model", tiny_package, "--out", tmp_path / "steps.png") == 2
    assert "[image." in capsys.readouterr().err


def test_offering_the_command_imports_nothing_heavy():
    program = "import sys, carpal.imaging.cli; print([m for m in ('cv2', 'numpy', 'pydantic') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
