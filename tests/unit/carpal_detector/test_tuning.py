"""What was tuned is used where it was measured here, and nothing is refused where it was not."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from carpal.engines.errors import ProfileInvalidError
from carpal.engines.profile import Profile, Setting, Timing, default_place
from carpal.machine import Machine, this_machine, usable_cores
from carpal.packages.package import Package, open_package
from carpal_detector.logs import make_logger
from carpal_detector.settings import Settings
from carpal_detector.tuning import Opening, opening


@pytest.fixture
def package(tiny_package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    monkeypatch.setenv("CARPAL_CACHE", str(tmp_path))
    return open_package(tiny_package)


def profile(digest: str, machine: Machine) -> Profile:
    fast = Setting(engine="onnxruntime", precision="float32", threads=2, streams=3)
    timing = Timing(
        **fast.model_dump(), latency_ms=1.0, latency_p95_ms=1.0, images_per_s=1.0, calls=1, map50_95=None, gate=None
    )
    return Profile(
        model="tiny:1", model_digest=digest, machine=machine, libraries={}, accept="99%", latency=fast, throughput=fast,
        timings=(timing,), seconds=1.0, created="2026-11-26T00:00:00Z", command="none",
    )  # fmt: skip


def opened(package: Package, **settings: object) -> tuple[Opening, str]:
    log = io.StringIO()
    return opening(Settings(**settings), package, make_logger(log)), log.getvalue()


def test_without_a_profile_the_float_reference_runs_on_one_thread_a_core(package: Package):
    assert opened(package) == (Opening("onnxruntime", None, 1, usable_cores()), "")


def test_what_was_measured_here_is_used_and_options_come_before_it(package: Package):
    place = default_place(package.digest, this_machine())
    place.parent.mkdir()
    place.write_bytes(profile(package.digest, this_machine()).to_json())
    assert opened(package)[0] == Opening("onnxruntime", "float32", 2, 3)
    assert opened(package, threads=4, streams=5)[0] == Opening("onnxruntime", "float32", 4, 5)
    assert opened(package, engine="emulated:5")[0] == Opening("emulated:5", None, 1, usable_cores())


def test_a_profile_of_another_machine_is_said_and_not_used(package: Package, tmp_path: Path):
    other = this_machine().model_copy(update={"cores": 999})
    place = tmp_path / "profile.json"
    place.write_bytes(profile(package.digest, other).to_json())
    chosen, log = opened(package, profile=place)
    assert chosen == Opening("onnxruntime", None, 1, usable_cores())
    said = json.loads(log)
    assert (said["event"], "999 cores" in said["reason"]) == ("profile not used", True)


def test_a_profile_that_is_none_is_refused(package: Package, tmp_path: Path):
    (tmp_path / "profile.json").write_text("{}")
    with pytest.raises(ProfileInvalidError):
        opened(package, profile=tmp_path / "profile.json")


@pytest.mark.parametrize(
    ("settings", "engine"),
    [
        ({"engine": "remote:http://triton:8000/tiny"}, "remote:http://triton:8000/tiny"),
        ({"predictor_host": "tiny-predictor.default"}, "remote:http://tiny-predictor.default"),
        ({"predictor_host": "localhost:8081", "predictor_protocol": "grpc-v2"}, "remote:grpc://localhost:8081"),
    ],
)
def test_a_network_elsewhere_is_asked_for_more_images_at_once_than_there_are_cores(
    package: Package, settings: dict[str, str], engine: str
):
    how, log = opened(package, **settings)
    assert (how.engine, how.streams, log) == (engine, 4 * usable_cores(), "")
    assert opened(package, streams=3, **settings)[0].streams == 3
