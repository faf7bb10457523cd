"""The limit of a deployment is said as it was found, and every trial of the search is shown."""

from __future__ import annotations

from pathlib import Path

from carpal_loadtests.limits.saturation import Saturation
from carpal_loadtests.slos import Slos
from carpal_loadtests.summary.evidence import Evidence, gather
from carpal_loadtests.summary.limit import conclusion, objectives, section


def found(documents: dict[str, Path]) -> Saturation:
    evidence = gather([documents["saturation"]])
    assert evidence.saturation is not None
    return evidence.saturation[1]


def test_every_trial_is_drawn_and_told(documents: dict[str, Path]) -> None:
    made = section(gather([documents["saturation"]]))
    assert made is not None
    (figure,) = made.figures
    assert figure.source.emulated
    assert figure.table is not None
    assert [row[:4] for row in figure.table.rows] == [
        (10.0, 15.0, "objectives kept", 10.0),
        (40.0, 15.0, "not kept", 22.0),
        (20.0, 15.0, "objectives kept", 20.0),
        (24.0, 15.0, "not kept", 22.0),
        (20.0, 15.0, "objectives kept", 20.0),
    ]
    assert "20/s keep the objectives" in figure.drawings[0].markup
    assert section(Evidence()) is None


def test_the_limit_is_a_sentence(documents: dict[str, Path]) -> None:
    assert conclusion(found(documents)) == (
        "20 requests a second keep p95 within 100 ms and 0% errors and 0% shed, confirmed by a long run; 24 did not; "
        "the knee lies at 20; the most that was answered is 22 a second."
    )


def test_a_search_that_found_none_says_why(documents: dict[str, Path]) -> None:
    update = {"rate_per_s": None, "confirmed": False, "stopped_by": "the generator was late"}
    stopped = found(documents).model_copy(update=update)
    assert conclusion(stopped).startswith("No rate was confirmed: the generator was late; the most")


def test_a_generator_that_hides_what_is_above_is_said(documents: dict[str, Path]) -> None:
    update = {"stopped_by": "at 24/s the generator is the limit, not the service", "blind": True, "probes": ()}
    assert "long run; at 24/s the generator is the limit" in conclusion(found(documents).model_copy(update=update))


def test_objectives_are_named_with_what_may_fail() -> None:
    said = objectives(Slos(p50_ms=50, p999_ms=900, error_share=0.01, shed_share=0.2))
    assert said == "p50 within 50 ms and p99.9 within 900 ms and 1% errors and 20% shed"
