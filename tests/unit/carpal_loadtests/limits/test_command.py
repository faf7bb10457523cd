"""The commands, as a person runs them, against servers of known truth."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from carpal.cli import run


@pytest.fixture
def load(
    tmp_path: Path, scenario: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``carpal load COMMAND`` on a scenario, in this process, which saves its start."""

    def loaded(command: str, server: Any, *more: object, **keys: Any) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "scenario.yaml"
        path.write_bytes(scenario(**keys).to_json())
        arguments = [command, path, "--target", server.url, "--out", tmp_path / "out", "--json", *more]
        code = run(["load", *map(str, arguments)])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return loaded


def test_saturate_says_that_the_highest_rate_it_may_try_holds(
    known: Callable[..., Any], load: Callable[..., Any], tmp_path: Path
) -> None:
    done = load("saturate", known(), "--start", 20, "--most", 20, "--probe-s", 1, "--confirm-s", 1)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == json.loads((tmp_path / "out/saturation.json").read_text())
    assert (found["rate_per_s"], found["confirmed"]) == (20, True)
    assert [probe["rate_per_s"] for probe in found["probes"]] == [20, 20]
    assert "the highest rate that may be tried, 20/s, holds" in done.stderr


def test_overload_fails_a_service_that_answers_nothing_beyond_its_capacity(
    known: Callable[..., Any], load: Callable[..., Any]
) -> None:
    # A capacity of 20/s for 1 s, then twice that: the server sheds every request after the first twenty.
    server = known(answers={"shed": list(range(20, 200))})
    done = load("overload", server, "--capacity", 20, "--times", 2, "--stage-s", 1)
    assert done.returncode == 1, done.stderr
    verdict = json.loads(done.stdout)["verdict"]
    assert any(reason.startswith("2x.goodput_per_s: ") for reason in verdict["reasons"])
    assert {"2x.goodput_per_s", "2x.accepted_p99_ms", "2x.recovery_s"} <= {
        check["name"] for check in verdict["service_levels"]
    }
