"""Points come from tables and from runs at their limit, and are refused where they could mislead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.carpal_loadtests.made_runs import write_run

from carpal_loadtests.answers import Outcome
from carpal_loadtests.errors import NotSaturatedError, ScalingPointsError
from carpal_loadtests.scaling.points import completions, read_points, read_run, read_table

ENOUGH = "replicas,throughput_per_s\n" + "".join(f"{count},{count * 40}\n" for count in (8, 1, 2, 3, 4, 6))


def test_a_table_gives_its_points_by_number_of_replicas(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text(ENOUGH)
    points = read_points([str(table)])
    assert [point.replicas for point in points] == [1, 2, 3, 4, 6, 8]
    assert points[0].source == str(table)
    assert points[0].emulated is None


def test_a_table_may_say_that_its_engine_was_emulated(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text("replicas,throughput_per_s,emulated\n1,40,true\n2,80,\n")
    assert [point.emulated for point in read_table(table)] == [True, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n,x\n1,2\n", "has the columns n, x"),
        ("", "has the columns none"),
        ("replicas,throughput_per_s\n1,fast\n", "row 1"),
        ("replicas,throughput_per_s\n0,5\n", "row 1"),
        ("replicas,throughput_per_s\n1,nan\n", "row 1"),
        ("replicas,throughput_per_s\n1\n", "row 1"),
        ("replicas,throughput_per_s,p99\n1,5,7\n", "p99"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    table = tmp_path / "x.csv"
    table.write_text(text)
    with pytest.raises(ScalingPointsError, match=said):
        read_table(table)


def test_too_few_points_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    table.write_text(ENOUGH.rsplit("\n", 2)[0] + "\n")
    with pytest.raises(ScalingPointsError, match="5 points at 5 different"):
        read_points([str(table)])
    with pytest.raises(ScalingPointsError, match="cannot be read"):
        read_points([str(tmp_path / "none.csv")])


def test_a_run_at_its_limit_is_a_point_of_answers_inside_the_measurement(
    tmp_path: Path, scenario: Callable[..., Any]
) -> None:
    folder = write_run(tmp_path / "r2", scenario(rate_per_s=100, duration_s=2), service_s=0.02, slots=1)
    point = read_run(2, folder)
    assert point.throughput_per_s == pytest.approx(50, abs=1)
    assert point.emulated is True


def test_a_run_that_kept_up_is_no_point(tmp_path: Path, scenario: Callable[..., Any]) -> None:
    folder = write_run(tmp_path / "r2", scenario(rate_per_s=100, duration_s=2), service_s=0.02, slots=4)
    with pytest.raises(NotSaturatedError, match=r"2 replicas answered 9\d\.\d of 100\.0"):
        read_points([f"2={folder}"])


def test_a_folder_without_a_result_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScalingPointsError, match="holds no result"):
        read_points([f"2={tmp_path}"])


def test_only_answers_that_ended_in_time_count() -> None:
    from carpal_loadtests.rows import Row

    ends = (0.5, 1.0, 1.999, 2.0, None)
    rows = [Row(index, 0.0, 0.0, end, 200, "", Outcome.ANSWERED, 1) for index, end in enumerate(ends)]
    rows.append(Row(9, 0.0, 0.0, 1.5, 429, "", Outcome.SHED, 1))
    assert completions(rows, 1.0, 2.0) == 2
