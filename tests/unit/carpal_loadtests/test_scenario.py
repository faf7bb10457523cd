"""Scenarios are closed documents; what is shipped is valid and found by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from carpal_loadtests.errors import ScenarioError, ScenarioNotFoundError
from carpal_loadtests.scenario import Scenario, load_scenario

SHIPPED = Path(__file__).parents[3] / "loadtests" / "scenarios"


@pytest.mark.parametrize("file", sorted(SHIPPED.iterdir()), ids=lambda file: file.name)
def test_every_shipped_scenario_is_valid_and_resolves_by_its_name(file: Path) -> None:
    scenario, base = load_scenario(file.stem)
    assert scenario.name == file.stem
    assert base == SHIPPED
    assert scenario.description


def test_a_misspelt_name_offers_the_nearest() -> None:
    with pytest.raises(ScenarioNotFoundError, match="did you mean 'smoke'") as failure:
        load_scenario("smok")
    assert failure.value.status.exit == 2


def test_a_misspelt_key_is_refused_and_the_right_one_offered(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text((SHIPPED / "smoke.yaml").read_text().replace("p95_ms", "p95ms"))
    with pytest.raises(ScenarioError, match=r"slos\.p95ms: unknown key, did you mean 'p95_ms'"):
        load_scenario(str(file))


def test_arrivals_of_an_unknown_kind_are_refused(scenario: Callable[..., Scenario]) -> None:
    with pytest.raises(Exception, match="does not match any of the expected tags"):
        scenario(kind="closed")


def test_a_limit_that_the_timeout_would_hide_is_refused(scenario: Callable[..., Scenario]) -> None:
    with pytest.raises(Exception, match="p95_ms 2000 ms is not below timeout_s 2 s"):
        scenario(slos={"p95_ms": 2000}, timeout_s=2)


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("name: [")
    with pytest.raises(ScenarioError, match="is not YAML"):
        load_scenario(str(file))


def test_an_objective_that_is_given_twice_is_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text("slos:\n  p95_ms: 100\n  p95_ms: 9000\n")
    with pytest.raises(ScenarioError, match=r"p95_ms is written twice.*line 3"):
        load_scenario(str(file))


def test_every_shape_of_arrivals_can_be_written_in_yaml(scenario: Callable[..., Scenario]) -> None:
    spike = {"kind": "spike", "rate_per_s": 1, "peak_per_s": 10, "before_s": 5, "spike_s": 2, "after_s": 5}
    assert scenario(arrivals=spike, warmup_s=3).peak_end_s == 10


@pytest.mark.parametrize(
    ("stages", "end_s"),
    [
        (
            [
                {"rate_per_s": 1, "duration_s": 5},
                {"rate_per_s": 9, "duration_s": 2},
                {"rate_per_s": 1, "duration_s": 5},
            ],
            7,
        ),
        ([{"rate_per_s": 9, "duration_s": 5}, {"rate_per_s": 1, "to_per_s": 9, "duration_s": 2}], None),
        ([{"rate_per_s": 1, "to_per_s": 9, "duration_s": 5}, {"rate_per_s": 9, "to_per_s": 1, "duration_s": 5}], 5),
        ([{"rate_per_s": 1, "duration_s": 5}], None),
    ],
)
def test_the_peak_ends_where_the_highest_rate_does(
    scenario: Callable[..., Scenario], stages: list[dict[str, float]], end_s: float | None
) -> None:
    assert scenario(arrivals={"kind": "stages", "stages": stages}).peak_end_s == end_s


def test_a_recovery_without_a_peak_is_refused(scenario: Callable[..., Scenario]) -> None:
    with pytest.raises(Exception, match="needs arrivals with a peak, and constant has none"):
        scenario(slos={"goodput_ms": 100, "recovery_s": 5})


def test_a_replay_has_no_peak_that_is_known_before(scenario: Callable[..., Scenario]) -> None:
    assert scenario(arrivals={"kind": "replay", "path": "trace.txt"}).peak_end_s is None
