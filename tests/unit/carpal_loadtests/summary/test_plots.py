"""Every picture has its data as a table, and both say the same."""

from __future__ import annotations

from pathlib import Path

from carpal_loadtests.summary import plots
from carpal_loadtests.summary.evidence import gather


def test_throughput_has_a_row_for_each_number_of_replicas(documents: dict[str, Path]) -> None:
    found = gather([documents["scaling"]]).scaling
    assert found is not None
    drawing, table = plots.throughput(found[1])
    assert [row[0] for row in table.rows] == list(range(1, 9))
    assert abs(float(table.rows[0][1] or 0) - 12) < 1e-9
    assert "1 to 8 replicas" in drawing.alt
    for name in ("linear", "Amdahl", "USL"):
        assert name in drawing.markup


def test_latency_has_a_row_for_each_run_also_for_one(runs: tuple[Path, Path]) -> None:
    _, table = plots.latency(gather(list(runs)).runs)
    assert [row[0] for row in table.rows] == ["light", "full"]
    _, single = plots.latency(gather([runs[0]]).runs)
    assert len(single.rows) == 1


def test_the_heatmap_counts_every_answer_once(runs: tuple[Path, Path]) -> None:
    for run in gather(list(runs)).runs:
        _, table = plots.heatmap(run)
        assert sum(int(row[3] or 0) for row in table.rows) == len(run.rows)


def test_the_timeline_has_a_row_for_each_stretch(documents: dict[str, Path]) -> None:
    found = gather([documents["simulated"]]).simulated
    assert found is not None
    bins = found[1].outcomes["cpu"].bins
    drawing, table = plots.timeline(bins, found[1].bin_s, 500)
    assert len(table.rows) == len(bins) == 60
    assert "limit 500 ms" in drawing.markup


def test_the_plan_has_a_bar_for_each_part(documents: dict[str, Path]) -> None:
    found = gather([documents["plan"]]).capacity
    assert found is not None
    drawing, table = plots.capacity(found[1])
    assert [row[0] for row in table.rows] == ["work", "objective", "spare", "spike"]
    assert drawing.alt.startswith(f"{found[1].replicas} replicas: 4 for the work")


def test_nothing_is_a_picture_too() -> None:
    assert "nothing was measured yet" in plots.nothing().markup
