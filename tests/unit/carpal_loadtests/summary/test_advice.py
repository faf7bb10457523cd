"""Every sentence follows from a figure, and the answer is one sentence whatever there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from carpal_loadtests.scaling.laws import Coefficients
from carpal_loadtests.summary.advice import advice, answer, half_marginal
from carpal_loadtests.summary.evidence import Evidence, gather


def test_the_answer_names_replicas_price_and_where_it_ends(documents: dict[str, Path]) -> None:
    said = answer(gather([documents["plan"], documents["scaling"]]))
    assert " replicas answer 40 requests a second within 500 ms for " in said
    assert "USD a million images; 8 replicas do 78% of 8 times one replica's work" in said
    assert said.endswith(", by an emulated engine.")


def test_there_is_an_answer_to_any_part_of_it_and_to_nothing(
    documents: dict[str, Path], runs: tuple[Path, Path]
) -> None:
    assert answer(gather([documents["simulated"]])).startswith("By simulation the policy cpu gets 99.00% within 500 ms")
    assert answer(gather(list(runs))).startswith("2 load tests were made: 1 pass, 1 fail")
    assert answer(Evidence()).startswith("There is nothing to report yet")


def test_a_run_that_failed_is_named_with_its_reason(runs: tuple[Path, Path]) -> None:
    (said,) = advice(gather(list(runs)))
    assert said.startswith("Objectives are missed by full: p50_ms: ")


def test_a_plan_says_what_asks_for_most_of_it_and_what_it_does_not_know(documents: dict[str, Path]) -> None:
    said = advice(gather([documents["plan"]]))
    assert said[0].startswith("Set ")
    assert "asked for by the " in said[0]
    assert said[1].startswith("Replicas are taken to scale perfectly")


def test_a_simulation_recommends_the_best_or_says_that_none_is(documents: dict[str, Path]) -> None:
    (said,) = advice(gather([documents["simulated"]]))
    assert said.startswith("Use the policy cpu: 3.0 replicas on average")
    assert "chart values are below" in said


@pytest.mark.parametrize("law", [Coefficients(10, 0.02), Coefficients(10, 0.02, 0.001), Coefficients(10, 0.0, 0.01)])
def test_from_half_on_one_more_replica_adds_half_of_the_first(law: Coefficients) -> None:
    at = half_marginal(law)
    assert at is not None
    step = 1e-4
    assert (law.throughput(at + step) - law.throughput(at - step)) / (2 * step) == pytest.approx(5, rel=1e-3)


def test_a_straight_line_never_gets_there_and_the_worst_law_begins_there() -> None:
    assert half_marginal(Coefficients(10)) is None
    assert half_marginal(Coefficients(10, 0.7)) == 1.0
