"""What `make images` asks of the program that builds, which tests without root and a base image do not run."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = set(re.findall(r"^FROM run AS (\S+)$", (ROOT / "images/Dockerfile").read_text(), flags=re.MULTILINE))


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    """The words of every build, where images/build finds a buildah that writes them down."""
    (tmp_path / "buildah").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    (tmp_path / "buildah").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run([ROOT / "images/build"], env=environment, check=True, capture_output=True)
    return (tmp_path / "asked").read_text().splitlines()


def test_every_target_is_built_and_no_other(asked: list[str]):
    assert {re.search(r"--target (\S+)", line)[1] for line in asked} == TARGETS  # type: ignore[index]  # each has one


def test_an_image_says_of_which_revision_it_is_by_an_option_that_no_cached_layer_answers(asked: list[str]):
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"--label org.opencontainers.image.revision={head.strip()}" in line for line in asked)
    assert "REVISION" not in (ROOT / "images/Dockerfile").read_text()
