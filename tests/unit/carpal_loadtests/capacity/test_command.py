"""The command, as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carpal.cli import run

ASKED = ["load", "capacity", "--rate", "100", "--limit-ms", "300"]


def test_it_says_each_part_of_the_number_and_ends_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    spike = ["--spike-rate", "200", "--price-per-hour", "0.5"]
    assert run([*ASKED, "--service-ms", "80", *spike, "--balancing", "shared"]) == 0
    said = capsys.readouterr()
    assert "    8 for the work: 100/s of 80 ms are 8 busy slots, 1 a replica" in said.out
    assert "for the spike: 200/s for the 60 s" in said.out
    assert "USD an hour" in said.out
    assert said.out.splitlines()[-1].endswith("of their time")
    assert "note: replicas are taken to scale perfectly" in said.err


def test_a_plan_uses_the_law_that_was_measured_and_is_written_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, law, out = tmp_path / "x.csv", tmp_path / "scaling.json", tmp_path / "plan.json"
    table.write_text(
        "replicas,throughput_per_s\n" + "".join(f"{n},{40 * n / (1 + 0.02 * (n - 1))}\n" for n in range(1, 9))
    )
    assert run(["load", "scale", str(table), "--resamples", "100", "--out", str(law)]) == 0
    capsys.readouterr()
    assert (
        run([*ASKED, "--service-ms", "80", "--scaling", str(law), "--balancing", "shared", "--out", str(out), "--json"])
        == 0
    )
    made = json.loads(capsys.readouterr().out)
    assert made == json.loads(out.read_text())
    assert made["steady"]["efficiency"] == pytest.approx(1 / (1 + 0.02 * (made["replicas"] - 1)), rel=1e-3)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], "load.service-times"),
        (["--service-ms", "80", "--run", "out"], "load.service-times"),
        (["--run", "no-such-folder"], "load.service-times"),
        (["--service-ms", "80", "--balancing", "best"], "load.no-capacity"),
        (["--service-ms", "400"], "load.no-capacity"),
        (["--service-ms", "80", "--scaling", "no-such-file"], "load.scaling-points"),
    ],
)
def test_what_it_cannot_use_is_an_error_in_three_lines(
    options: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*ASKED, *options]) == 2
    assert f"[{code}]" in capsys.readouterr().err
