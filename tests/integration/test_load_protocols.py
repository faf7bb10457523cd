"""Load tests against the real service: every protocol, DICOM, bad inputs, findings at rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carpal.terminal import Terminal
from carpal_loadtests.answers import Outcome
from carpal_loadtests.result import Result
from carpal_loadtests.rows import Row
from carpal_loadtests.scenario import Scenario
from carpal_loadtests.trial import Setting, keep, prepare, run_trial

RATE_PER_S = 40


@pytest.fixture(scope="module")
def service(tiny_service: Any) -> Any:
    """The tiny package, on its own engine: answers can be told apart."""
    return tiny_service


@pytest.fixture
def load(service: Any, tmp_path: Path) -> Callable[..., tuple[Result, list[Row]]]:
    """Runs one second of a scenario that differs in these keys."""

    def run(grpc: int = service.grpc, **keys: Any) -> tuple[Result, list[Row]]:
        data = {
            "schema": "carpal.scenario/v1",
            "name": "protocols",
            "arrivals": {"kind": "poisson", "rate_per_s": RATE_PER_S, "duration_s": 1},
            "payloads": {"kind": "phantoms", "count": 2, "size_px": 128},
            "timeout_s": 60,
            "validity": {"offered_share": 0.0, "lag_p99_ms": 600_000, "generator_cpu": 1.0},
            **keys,
        }
        setting = Setting(service.url, grpc=f"127.0.0.1:{grpc}")
        plan, target = prepare(Scenario.parse(data, source="the test"), tmp_path, setting)
        trial = run_trial(plan, target, setting, tmp_path / "out", Terminal(quiet=True))
        keep(trial, tmp_path / "out")
        return trial.result, trial.measurement.rows

    return run


@pytest.mark.parametrize("protocol", ["image", "v2-json", "v2-binary", "grpc"])
def test_every_protocol_is_answered_with_the_findings_that_the_service_gave_at_rest(
    load: Callable[..., Any], protocol: str
) -> None:
    result, rows = load(protocol=protocol, expect={"kind": "at-rest"})
    assert {(row.outcome, row.code) for row in rows} == {(Outcome.ANSWERED, "")}
    assert result.verdict.outcome == "pass"
    assert {one.model.name for one in result.answerers} == {"tiny"}
    assert result.littles_law is None or result.littles_law.holds


@pytest.mark.parametrize("protocol", ["image", "grpc"])
def test_a_mix_of_formats_is_taken_and_bad_inputs_are_refused(load: Callable[..., Any], protocol: str) -> None:
    parts = [
        {"payloads": {"kind": "phantoms", "count": 1, "size_px": 128, "format": form}} for form in ("dicom", "jpeg")
    ]
    result, rows = load(protocol=protocol, payloads={"kind": "mix", "parts": parts}, bad_share=0.4)
    counts = result.figures.counts
    assert counts.answered + counts.refused == counts.offered == len(rows)
    assert counts.refused > 0
    assert set(result.payloads.media_types) == {"application/dicom", "image/jpeg"}
    assert all(row.status in (400, 415, 422) for row in rows if row.outcome is Outcome.REFUSED)


@pytest.mark.parametrize(("protocol", "datatype"), [("v2-json", "uint8"), ("v2-binary", "float32")])
def test_pixels_are_answered_with_the_findings_that_the_service_gave_at_rest(
    load: Callable[..., Any], protocol: str, datatype: str
) -> None:
    payloads = {"kind": "pixels", "count": 2, "height_px": 64, "width_px": 64, "datatype": datatype}
    result, rows = load(protocol=protocol, payloads=payloads, expect={"kind": "at-rest"}, bad_share=0.2)
    assert {row.outcome for row in rows} == {Outcome.ANSWERED, Outcome.REFUSED}
    assert result.figures.counts.answered > 0
    assert result.payloads.media_types == {"application/x-tensor": 6}


def test_the_services_own_metrics_are_joined_to_the_run(load: Callable[..., Any], service: Any) -> None:
    result, _ = load(arrivals={"kind": "constant", "rate_per_s": 10, "duration_s": 2.5})
    assert f"{service.url}/metrics" in result.watched.sources
    assert "local process" in result.watched.sources


def test_another_port_than_grpcs_is_no_answer_and_no_success(load: Callable[..., Any], service: Any) -> None:
    result, rows = load(protocol="grpc", grpc=service.http)
    assert {row.outcome for row in rows} <= {Outcome.TRANSPORT, Outcome.TIMEOUT, Outcome.BROKEN}
    assert result.verdict.outcome == "fail"
