"""What machines read is what the page says."""

from __future__ import annotations

from pathlib import Path

from carpal_loadtests.summary.advice import advice, answer
from carpal_loadtests.summary.digest import Digest, digest
from carpal_loadtests.summary.evidence import Evidence, gather


def test_it_says_the_same_as_the_page(documents: dict[str, Path], runs: tuple[Path, Path]) -> None:
    evidence = gather([*documents.values(), *runs])
    made = digest(evidence)
    assert (made.answer, made.advice) == (answer(evidence), tuple(advice(evidence)))
    assert [run.outcome for run in made.runs] == ["pass", "fail"]
    assert [one.name for one in made.policies if one.best] == ["cpu"]
    assert Digest.parse_json(made.to_json(), source="the test") == made


def test_nothing_is_a_document_too() -> None:
    made = digest(Evidence())
    assert (made.runs, made.policies, made.scaling, made.emulated) == ((), (), None, False)
    assert len(made.missing) == 5
