"""From a reference to a warm model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from carpal.errors import PackageError
from carpal_detector.errors import NotReadyError, UnknownModelError
from carpal_detector.lifecycle import Lifecycle, Phase, Served, load
from carpal_detector.settings import Settings


def test_a_folder_is_served_under_the_name_of_its_package(served: Served):
    assert (served.name, served.version) == ("tiny", "1")


def test_the_name_in_the_routes_may_be_another(tiny_package: Path):
    assert load(Settings(model=str(tiny_package), model_name="wrist", engine="emulated:0")).name == "wrist"


def test_an_altered_package_is_never_loaded(tiny_package: Path, tmp_path: Path):
    copy = shutil.copytree(tiny_package, tmp_path / "copy")
    (copy / "model.onnx").write_bytes((copy / "model.onnx").read_bytes() + b"\0")
    with pytest.raises(PackageError):
        load(Settings(model=str(copy)))


def test_a_model_is_asked_for_by_name_and_perhaps_version(served: Served):
    lifecycle = Lifecycle()
    lifecycle.opened(served)
    assert lifecycle.model("tiny") is lifecycle.model("tiny", "1") is lifecycle.model("tiny", "") is served
    for name, version in (("other", None), ("tiny", "2")):
        with pytest.raises(UnknownModelError):
            lifecycle.model(name, version)


def test_before_there_is_a_model_every_name_is_too_early():
    with pytest.raises(NotReadyError):
        Lifecycle().model("tiny")


def test_only_the_ready_phase_is_ready_and_the_last_two_are_leaving(served: Served):
    lifecycle = Lifecycle()
    lifecycle.opened(served)
    seen = {}
    for phase in Phase:
        lifecycle.phase = phase
        seen[phase] = (lifecycle.ready, lifecycle.leaving)
    assert seen == {
        Phase.LOADING: (False, False),
        Phase.READY: (True, False),
        Phase.LINGERING: (False, True),
        Phase.DRAINING: (False, True),
    }
