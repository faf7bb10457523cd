"""A verdict where machines and people of CI look for it: JUnit XML, and Markdown for a job's summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from carpal_loadtests.check import Check
from carpal_loadtests.result import Result
from carpal_loadtests.whole import write_whole

MARK = {True: "✅", False: "❌"}


def write_junit(result: Result, path: Path, *, more: Sequence[Check] = ()) -> None:
    """One test case a check: a service level that is missed is a failure, a broken condition an error.

    Args:
        result: of the run.
        path: of the XML file; an older one is replaced.
        more: checks beside the run's own, against a baseline say.
    """
    name = f"load.{result.scenario.name}"
    levels, conditions = [*result.verdict.service_levels, *more], result.verdict.validity
    cut_short = _cut_short(result)
    suite = ElementTree.Element(
        "testsuite",
        name=name,
        tests=str(len(levels) + len(conditions) + len(cut_short)),
        failures=str(sum(not check.holds for check in levels)),
        errors=str(sum(not check.holds for check in conditions) + len(cut_short)),
        time=f"{result.elapsed_s or 0.0:.3f}",
    )
    if result.started:
        suite.set("timestamp", result.started)
    for checks, kind in ((levels, "failure"), (conditions, "error")):
        for check in checks:
            case = ElementTree.SubElement(suite, "testcase", classname=name, name=check.name)
            if not check.holds:
                ElementTree.SubElement(case, kind, message=check.reason)
    for reason in cut_short:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="whole")
        ElementTree.SubElement(case, "error", message=reason)
    tree = ElementTree.ElementTree(suite)
    ElementTree.indent(tree)
    write_whole(path, lambda stream: tree.write(stream, encoding="utf-8", xml_declaration=True))


def summary(result: Result, *, more: Sequence[Check] = ()) -> str:
    """The run as Markdown, for ``$GITHUB_STEP_SUMMARY``."""
    counts, latency = result.figures.counts, result.figures.latency
    said = [
        f"### Load test {result.scenario.name}: **{result.verdict.outcome}**",
        "",
        f"{counts.answered} of {counts.planned} planned requests answered, {counts.shed} shed, {counts.failed} failed, "
        f"{counts.dropped} dropped, {counts.open} open"
        + (
            f"; p50 {latency.p50_ms:.1f} ms, p99 {latency.p99_ms:.1f} ms from the intended send time."
            if latency
            else "."
        ),
        "",
        *(["The engine was emulated: latencies say nothing of the model.", ""] if result.emulated else []),
        "| | check | |",
        "|---|---|---|",
        *(f"| ❌ | whole | {_cell(reason)} |" for reason in _cut_short(result)),
    ]
    for check in (*result.verdict.validity, *result.verdict.service_levels, *more):
        reason = check.reason.removeprefix(f"{check.name}: ")
        said.append(f"| {MARK[check.holds]} | {check.name} | {_cell(reason)} |")
    return "\n".join(said) + "\n"


def append_summary(text: str, path: Path) -> None:
    """Add to a job's summary, which other steps write to as well."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def _cut_short(result: Result) -> list[str]:
    """Reasons of a verdict that no check carries."""
    known = {check.reason for check in (*result.verdict.service_levels, *result.verdict.validity)}
    return [reason for reason in result.verdict.reasons if reason not in known]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
