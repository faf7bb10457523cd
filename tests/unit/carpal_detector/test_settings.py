"""Settings are closed, and every one says what it does."""

from __future__ import annotations

import io

import pytest

from carpal.errors import ConfigError
from carpal.machine import usable_cores
from carpal_detector.logs import make_logger
from carpal_detector.service import Service
from carpal_detector.settings import Settings


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_described(name: str):
    assert Settings.model_fields[name].description


def test_a_stream_a_core_is_the_default():
    service = Service(Settings(isolate=False), make_logger(io.StringIO()))
    assert service.scheduler.streams == usable_cores() >= 1
    service.scheduler.close()


def test_one_model_or_several_may_be_named():
    assert Settings(model="wrist").model == ("wrist",)
    assert Settings(model=["wrist", "ankle@candidate"]).model == ("wrist", "ankle@candidate")
    with pytest.raises(ConfigError, match="model_name names one model"):
        Settings.parse({"model": ["wrist", "ankle"], "model_name": "joint"}, source="the command line")


@pytest.mark.parametrize(
    "given", [{"port": 65536}, {"streams": 0}, {"queue": -1}, {"max_body_bytes": 0}, {"drain_s": -1}, {"prot": 1}]
)
def test_what_makes_no_sense_is_refused(given: dict[str, int]):
    with pytest.raises(ConfigError) as caught:
        Settings.parse(given, source="the command line")
    assert next(iter(given)) in caught.value.what


def test_a_predictor_is_an_engine_and_there_is_one_engine():
    with pytest.raises(ConfigError, match="predictor_host is an engine"):
        Settings.parse({"predictor_host": "triton:8000", "engine": "openvino"}, source="the command line")
