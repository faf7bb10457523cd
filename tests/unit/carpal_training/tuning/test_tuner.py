"""The tuner finds the best of engines whose speed is known: they sleep."""

from __future__ import annotations

import pytest
from tests.unit.carpal_training.tuning.conftest import MACHINE, timing

from carpal.engines.emulated import EmulatedEngine
from carpal.engines.errors import EngineMissingError
from carpal.packages.package import Package, open_package
from carpal.terminal import Terminal
from carpal_training.tuning.grid import Trial
from carpal_training.tuning.stopwatch import Lap
from carpal_training.tuning.tuner import choose, finalists, pooled, tune, words

DELAYS_MS = {("openvino", "bfloat16", 2): 5.0, ("openvino", "bfloat16", 1): 16.0}  # all others sleep 60 ms


@pytest.fixture
def package(tiny_package, rich) -> Package:
    opened = open_package(tiny_package)
    return Package(opened.path, rich, opened.digest)


def sleeping(package: Package, trial: Trial) -> EmulatedEngine:
    setting = trial.setting
    delay_ms = DELAYS_MS.get((setting.engine, setting.precision, setting.threads), 60.0)
    return EmulatedEngine(package.manifest, delay_ms, precision=setting.precision)


def test_the_quickest_setting_is_chosen_and_every_other_is_in_the_table(package: Package):
    profile = tune(package, MACHINE, Terminal(quiet=True), seconds=1.5, command="it", opener=sleeping)
    assert words(profile.latency) == words(profile.throughput) == "openvino bfloat16, threads 2, streams 1"
    assert len(profile.timings) == 9
    assert all(one.latency_ms >= 5.0 for one in profile.timings)
    assert (profile.model, profile.model_digest, profile.machine, profile.command) == (
        "tiny:1",
        package.digest,
        MACHINE,
        "it",
    )


def test_an_engine_that_is_not_installed_is_left_out(package: Package):
    def opener(package: Package, trial: Trial) -> EmulatedEngine:
        if trial.setting.engine == "openvino":
            raise EngineMissingError("not installed")
        return sleeping(package, trial)

    profile = tune(package, MACHINE, Terminal(quiet=True), seconds=0.5, opener=opener)
    assert {one.engine for one in profile.timings} == {"onnxruntime"}


def test_the_real_engines_are_measured(tiny_package):
    profile = tune(open_package(tiny_package), MACHINE, Terminal(quiet=True), seconds=0.5)
    assert {one.engine for one in profile.timings} == set(profile.libraries) == {"onnxruntime", "openvino"}


def test_what_is_alike_is_decided_for_the_more_exact_precision():
    exact, rounded = timing("openvino", "float32", 1, 1, 10.2, 98.0), timing("openvino", "int8", 1, 1, 10.0, 100.0)
    assert (
        choose([exact, rounded], "latency").precision == choose([exact, rounded], "throughput").precision == "float32"
    )
    slower = exact.model_copy(update={"latency_ms": 10.5, "images_per_s": 95.0})
    assert choose([slower, rounded], "latency").precision == choose([slower, rounded], "throughput").precision == "int8"


def test_latency_is_that_of_a_call_alone():
    alone, crowd = timing("onnxruntime", "float32", 2, 1, 20.0, 50.0), timing("onnxruntime", "float32", 1, 2, 9.0, 99.0)
    assert choose([alone, crowd], "latency").streams == 1
    assert choose([alone, crowd], "throughput").streams == 2


def test_the_final_is_between_the_best_three_of_each_goal():
    table = {place: timing("onnxruntime", "float32", 1, 1, 10.0 + place, 100.0 - place) for place in range(6)}
    table[9] = timing("onnxruntime", "float32", 1, 4, 90.0, 400.0)
    assert finalists(table) == [0, 1, 2, 9]


def test_turns_are_pooled_by_their_middle_rate():
    lap = pooled([Lap((1.0, 2.0), 10.0), Lap((3.0,), 90.0), Lap((4.0,), 20.0)])
    assert (lap.calls_ms, lap.images_per_s) == ((1.0, 2.0, 3.0, 4.0), 20.0)
