"""A simulation is closed YAML, and its service times come from a run or from two numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.carpal_loadtests.made_runs import write_run

from carpal_loadtests.errors import ServiceTimesError, SimulationError
from carpal_loadtests.simulation.setup import load_setup

EXPLAINED = Path(__file__).resolve().parents[4] / "docs/explanation/scale"

TEXT = """
name: first
arrivals: {kind: poisson, rate_per_s: 20, duration_s: 60}
service: {SERVICE}
policies: {two: {kind: fixed, replicas: 2}, auto: {kind: hpa, target: 60}}
"""


def write(folder: Path, service: str = "{mean_ms: 80, cv: 0.2}", more: str = "") -> Path:
    path = folder / "simulation.yaml"
    path.write_text(TEXT.replace("{SERVICE}", service) + more)
    return path


def test_two_numbers_are_enough_for_the_service(tmp_path: Path) -> None:
    setup, service = load_setup(write(tmp_path))
    assert (service.mean_s, service.scv) == (0.08, pytest.approx(0.04))
    assert [policy.kind for policy in setup.policies.values()] == ["fixed", "hpa"]


def test_a_run_is_found_beside_the_file(tmp_path: Path, scenario: Callable[..., Any]) -> None:
    write_run(tmp_path / "light", scenario(rate_per_s=20, duration_s=3), service_s=0.02, slots=2)
    _, service = load_setup(write(tmp_path, "{run: light}"))
    assert service.mean_s == pytest.approx(0.02)
    assert service.emulated is True


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("polices: {}", "did you mean 'policies'"),
        ("limit_ms: -1", "limit_ms"),
        ("delays: {scrape: 3}", "did you mean 'scrape_s'"),
        ("a: [", "cannot be read"),
        ("policies: {}\npolicies: {}", "policies is written twice"),
    ],
)
def test_what_breaks_the_schema_is_said(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(SimulationError, match=said):
        load_setup(write(tmp_path, more=more))


def test_a_file_or_a_run_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="cannot be read"):
        load_setup(tmp_path / "none.yaml")
    with pytest.raises(ServiceTimesError, match="holds no result"):
        load_setup(write(tmp_path, "{run: light}"))


@pytest.mark.parametrize("path", sorted(EXPLAINED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_simulations_behind_the_explanation_can_be_run_again(path: Path) -> None:
    setup, service = load_setup(path)
    assert setup.name == path.stem
    # As docs/explanation/scale.md says that they were measured: an image, and an emulated engine of 200 ms.
    assert service.mean_s == {"evening": 0.205}.get(path.stem, 0.0519)
