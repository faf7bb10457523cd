"""The page has its parts where there is evidence for them, says what is missing, and marks what was emulated."""

from __future__ import annotations

from pathlib import Path

from carpal.reports.page import LIMIT_BYTES, render
from carpal_loadtests.summary.evidence import Evidence, gather
from carpal_loadtests.summary.page import page


def test_with_everything_it_has_every_part_once(documents: dict[str, Path], runs: tuple[Path, Path]) -> None:
    made = page(gather([*documents.values(), *runs]))
    assert [section.title for section in made.sections] == [
        "What to do",
        "Throughput against replicas",
        "The limit of one deployment",
        "Latency against load",
        "Autoscaling",
        "Where the time went",
        "Capacity",
        "Every run",
        "Machine and versions",
        "What was simulated",
    ]
    html = render(made)
    assert len(html.encode()) < LIMIT_BYTES / 5
    assert html.count('role="img"') == 6
    assert 'class="emulated">emulated' in html
    assert "Simulated, not measured" in html


def test_without_anything_it_says_what_to_measure() -> None:
    html = render(page(Evidence()))
    assert "There is nothing to report yet" in html
    assert html.count("Missing here: ") == 5
    assert "carpal load scale" in html


def test_one_part_alone_makes_a_page_and_its_picture_comes_first(documents: dict[str, Path]) -> None:
    for name, said in (
        ("scaling", "Requests answered"),
        ("saturation", "Trials of http://127.0.0.1:1"),
        ("simulated", "Simulated, not"),
        ("plan", "Replicas for 40"),
    ):
        made = page(gather([documents[name]]))
        assert made.picture.caption.startswith(said)
        assert render(made).count("Missing here: ") == 4


def test_the_chart_values_of_the_best_policy_can_be_copied(documents: dict[str, Path]) -> None:
    html = render(page(gather([documents["simulated"]])))
    assert "# values of charts/detector for the policy cpu" in html
    assert "minReplicas: 3" in html
