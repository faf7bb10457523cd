"""The calibration itself, short: counts are exact, whatever else the machine does. Its stall: ``test_command``."""

from __future__ import annotations

from carpal_loadtests.calibration.suite import Suite


def test_counts_are_exact_also_where_processes_share_the_schedule() -> None:
    said: list[str] = []
    found = Suite(2, said.append).level(150, 2)
    assert found.miscounted == 0
    assert found.planned == sum(found.counts.values())
    assert found.counts["broken"] == round(0.02 * found.planned)
    assert found.counts["shed"] == found.counts["wrong"] == round(0.01 * found.planned)
    # Truth is the same requests: the generator can only add, and the server kept half of them for 50 ms or more.
    assert found.true.p50_ms > 40
    assert found.measured.p50_ms > found.true.p50_ms
    assert found.added_p50_ms > 0
    assert "0 miscounted" in said[0]
