"""The gate lets through what keeps enough of the float accuracy, and says by how much the others failed."""

from __future__ import annotations

import pytest

from carpal_training.export.gate import judge


@pytest.mark.parametrize(
    ("found", "accept", "gate"),
    [
        (0.80, "99%", "99%"),
        (0.7921, "99%", "99%"),
        (0.7919, "99%", None),
        (0.7919, "95%", "95%"),
        (0.7921, "95%", "99%"),
        (0.7599, "95%", None),
        (0.85, "99%", "99%"),
    ],
)
def test_the_strictest_gate_that_was_passed_is_named(found, accept, gate):
    assert judge(found, 0.8, accept).gate == gate


def test_a_failure_says_by_how_much():
    assert judge(0.76, 0.8).words() == (
        "keeps 95.0 % of the float mAP50-95 (0.7600 of 0.8000), fails 99% by 4.0 percentage points"
    )
    assert judge(0.8, 0.8).words().endswith("passes 99%")


def test_a_reference_that_finds_nothing_is_kept_by_every_variant():
    verdict = judge(0.0, 0.0)
    assert (verdict.share, verdict.gate) == (1.0, "99%")


@pytest.mark.parametrize("found", [0.0, 0.01, 0.5])
@pytest.mark.parametrize("accept", ["99%", "95%"])
def test_where_the_reference_finds_nothing_no_words_claim_a_share(found, accept):
    words = judge(found, 0.0, accept).words()
    assert words == f"has mAP50-95 {found:.4f}; the float network finds nothing (0), so no gate can judge it"
