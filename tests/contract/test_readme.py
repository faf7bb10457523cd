"""README and the how-to pages are true: every command and program on them is run, here or where the page says.

Each page runs in a folder of its own that looks like a checkout and holds ``wrist.png``, a phantom. The ports that the
pages name are replaced by free ones.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from pathlib import Path

import cv2
import pytest
from tools.pages import blocks, run

from carpal.phantoms.drawing import draw

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs/how-to").glob("*.md")])
LIMITS = (
    "tests/unit/carpal_loadtests/limits/test_command.py"  # the same commands, shorter and against a server of its own
)
COMPARED = "tests/unit/carpal_loadtests/test_compare.py"  # likewise
CALIBRATED = "tests/unit/carpal_loadtests/calibration/test_command.py"  # likewise
LOCUST = "tests/unit/carpal_loadtests/test_locustfile.py"  # the same options against a server of its own
REPLAYED = "tests/unit/carpal_loadtests/simulation/test_replay_command.py"  # on a run that was made up
MEASURED = "tests/unit/carpal_training/evaluation/test_measurement.py"
ATLAS = "tests/unit/carpal_training/data/test_fracatlas.py"  # on a folder in the layout of FracAtlas
IMAGES = "tests/unit/carpal_training/evaluation/test_image_measurement.py"  # on the real images, where they are
STARTER = "tests/unit/tools/test_starter.py"  # the commands of make starter, without running them
ELSEWHERE = {
    "make demo": "Makefile",
    ".ci/run": ".ci/run",
    "hand": "README.md",  # by nobody else: a page with such a block says so
    "make test-cluster": "Makefile",
    "tests/integration/test_training_run.py": "tests/integration/test_training_run.py",
    "tests/integration/test_report_orthanc.py": "tests/integration/test_report_orthanc.py",
    "tests/integration/viewer/test_ohif.py": "tests/integration/viewer/test_ohif.py",
    "tests/integration/test_service_remote.py": "tests/integration/test_service_remote.py",
    MEASURED: MEASURED,
    ATLAS: ATLAS,
    IMAGES: IMAGES,
    STARTER: STARTER,
    LIMITS: LIMITS,
    COMPARED: COMPARED,
    CALIBRATED: CALIBRATED,
    REPLAYED: REPLAYED,
    LOCUST: LOCUST,
    "tests/cluster/test_detector_chart.py": "tests/cluster/test_detector_chart.py",
    "tests/cluster/test_loadtest_chart.py": "tests/cluster/test_loadtest_chart.py",
}
RUNNABLE = {"sh", "console", "python"}
SCREENS_OF_LINES = 2 * 60
SEED = 3


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with everything that a checkout has, where a page may write."""
    starter = ROOT / "model_repo/starter/manifest.json"
    assert starter.is_file(), "the pages use the starter package, and model_repo/starter holds none"
    for entry in ROOT.iterdir():
        if entry.name not in {".git", "out", "models"}:
            (tmp_path / entry.name).symlink_to(entry)
    cv2.imwrite(str(tmp_path / "wrist.png"), draw(SEED, 0).pixels)
    return tmp_path


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.mark.slow
@pytest.mark.timeout(170)
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_command_on_a_page_does_what_the_page_says(path: Path, checkout: Path):
    page = path.read_text()
    if "curl " in page and not shutil.which("curl"):
        pytest.skip("this page calls curl, which is not installed here; .ci/run installs it")
    for port, free in zip(("8080", "8081"), free_ports(2), strict=True):
        page = page.replace(port, str(free))
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    run(page, checkout, {"PATH": tools, "PYTHONUNBUFFERED": "1", "COLUMNS": "100", "NO_COLOR": "1"}, timeout_s=160)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_a_page_leaves_to_others_is_run_by_them(path: Path):
    for block in blocks(path.read_text()):
        assert block.run_by is None or block.run_by in ELSEWHERE, f"{path.name}:{block.line}: who is {block.run_by}?"
        assert block.run_by or block.file or block.language in RUNNABLE, f"{path.name}:{block.line}: nobody runs this"


@pytest.mark.parametrize("path", [*PAGES, *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.stem)
def test_every_link_on_a_page_leads_somewhere(path: Path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), f"{path.name} links to {target}, which is not there"


def test_the_readme_fits_on_two_screens():
    assert len((ROOT / "README.md").read_text().splitlines()) <= SCREENS_OF_LINES
