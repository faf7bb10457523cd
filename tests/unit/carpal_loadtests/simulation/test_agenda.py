"""Acts happen in the order of time, and at one instant in the order that was asked for."""

from __future__ import annotations

from functools import partial

from carpal_loadtests.simulation.agenda import Agenda


def test_acts_happen_in_order_and_no_earlier() -> None:
    agenda, seen = Agenda(), list[tuple[str, float]]()

    def act(name: str, now_s: float) -> None:
        seen.append((name, now_s))

    agenda.at(2.0, 1, partial(act, "second"))
    agenda.at(2.0, 0, partial(act, "first"))
    agenda.at(2.0, 1, partial(act, "third"))
    agenda.every(-1.0, 2.0, 5, partial(act, "tick"))
    agenda.run_to(1.5)
    assert seen == [("tick", -1.0), ("tick", 1.0)]
    agenda.run_to(3.0)
    assert seen[2:] == [("first", 2.0), ("second", 2.0), ("third", 2.0), ("tick", 3.0)]


def test_an_act_can_put_in_what_happens_at_once() -> None:
    agenda, seen = Agenda(), list[float]()
    agenda.at(1.0, 0, lambda now_s: agenda.at(now_s, 0, seen.append))
    agenda.run_to(1.0)
    assert seen == [1.0]
