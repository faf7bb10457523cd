"""What is installed elsewhere is whole: each distribution's wheel, built as the images build it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = tuple(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["carpal"]["members"])
CARRIED = {
    "model_repo": ("carpal/starter/manifest.json", "carpal/starter/model.onnx", "carpal/reports/templates/page.html"),
    "training": (),
    "services/detector": ("carpal_detector/proto/open_inference_pb2.py",),
    "loadtests": ("carpal_loadtests/scenarios/smoke.yaml", "carpal_loadtests/scenarios/steady.yaml"),
}


@pytest.fixture(scope="module", params=MEMBERS)
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, zipfile.ZipFile]:
    """A member and its wheel, built from a copy, without the network and without isolation."""
    folder = tmp_path_factory.mktemp("wheel")
    ignore = shutil.ignore_patterns("__pycache__", "dist")
    shutil.copytree(ROOT / request.param, folder / "member", ignore=ignore)
    command = [Path(sys.executable).with_name("uv"), "build", "--quiet", "--wheel", "--offline", "--no-build-isolation"]
    subprocess.run([*command, "--python", sys.executable, "--out-dir", folder / "out", folder / "member"], check=True)
    (built,) = (folder / "out").glob("*.whl")
    return request.param, zipfile.ZipFile(built)


def test_a_wheel_has_every_module_and_what_they_need(wheel: tuple[str, zipfile.ZipFile]):
    member, archive = wheel
    modules = {str(path.relative_to(ROOT / member / "src")) for path in (ROOT / member / "src").rglob("*.py")}
    missing = (modules | set(CARRIED[member])) - set(archive.namelist())
    assert missing == set(), f"the wheel of {member} lacks files"


def test_a_wheel_carries_nothing_else(wheel: tuple[str, zipfile.ZipFile]):
    member, archive = wheel
    packages = {path.name for path in (ROOT / member / "src").iterdir() if path.is_dir()}
    strange = [name for name in archive.namelist() if name.split("/")[0] not in packages and ".dist-info/" not in name]
    assert strange == []
    assert not [name for name in archive.namelist() if "__pycache__" in name or "/tests/" in name]
