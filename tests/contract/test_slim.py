"""What images/slim removes is there to be removed, and both engines, the store and the protocols work without it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(sysconfig.get_paths()["purelib"])
SLIMMED = ("openvino", "onnxruntime", "botocore", "simdjson", "highdicom", "numpy", "numpy.libs")
USE = """
import sys
sys.path.insert(0, sys.argv[1])
import boto3, highdicom, onnxruntime, openvino, simdjson
assert all(part.__file__.startswith(sys.argv[1]) for part in (highdicom, onnxruntime, openvino, simdjson))
assert boto3.client("s3", "us-east-1", aws_access_key_id="x", aws_secret_access_key="y").meta.endpoint_url
import carpal, cv2
from carpal.phantoms.drawing import draw
png = cv2.imencode(".png", draw(1, 0, size_px=96).pixels)[1].tobytes()
for engine in ("onnxruntime", "openvino"):
    assert carpal.open_model(sys.argv[2], engine=engine).detect(png)
print("works")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of what is slimmed, in an environment that has nothing else."""
    root = tmp_path_factory.mktemp("slim")
    site = root / "lib/python3.11/site-packages"
    for name in SLIMMED:
        if (SITE / name).is_dir():
            shutil.copytree(SITE / name, site / name, symlinks=True)
    (root / "bin").mkdir()
    (root / "bin/python").symlink_to(sys.executable)
    before = size(site)
    done = subprocess.run(
        [ROOT / "images/slim"],
        env={"VIRTUAL_ENV": str(root), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert before - size(site) > 120e6
    return site


def size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def test_both_engines_and_the_store_work_without_it(site: Path, tiny_package: Path):
    done = subprocess.run(
        [sys.executable, "-c", USE, str(site), str(tiny_package)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "works\n", done.stderr


def test_every_name_in_it_is_one_of_what_is_installed():
    """A new version that calls something else would otherwise be carried without anybody noticing."""
    names = re.findall(
        r"libopenvino_[a-z]+_(?:plugin\.so|\*)|cache\.json|include|frontend/\w+", (ROOT / "images/slim").read_text()
    )
    assert len(names) >= 9
    for name in names:
        inside = SITE / "openvino" / ("libs" if name.startswith("lib") or name.endswith("json") else "")
        assert list(inside.glob(name)), name
