"""The measured points of X(N): a table that somebody kept, or the results of runs that were driven to their limit."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Annotated

from pydantic import Field

from carpal.document import Document
from carpal_loadtests.answers import Outcome
from carpal_loadtests.errors import NotSaturatedError, ScalingPointsError
from carpal_loadtests.result import read_result
from carpal_loadtests.rows import Row

COLUMNS = ("replicas", "throughput_per_s")
LEAST_POINTS = 6
LEAST_COUNTS = 4
"""Of different N: three numbers can be chosen to run through any three points."""
SATURATED_BELOW = 0.97
"""A run whose answers kept up with more than this share of the offered rate shows the rate, not the capacity."""


class Point(Document):
    """What N replicas answered a second when more was asked of them."""

    replicas: Annotated[int, Field(ge=1, le=100_000)]
    throughput_per_s: Annotated[float, Field(gt=0)]
    source: str = Field(default="", description="the table or the result folder that says so")
    emulated: bool | None = Field(default=None, description="whether the engine slept instead of computing")


def read_table(path: Path) -> tuple[Point, ...]:
    """Points of a CSV table with the columns replicas, throughput_per_s and, where known, emulated.

    Raises:
        ScalingPointsError: no such file, other columns, or a value that is no number.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as failure:
        raise ScalingPointsError(
            f"{path} cannot be read: {failure}", "Points come from a CSV table or from N=FOLDER.", "Name another file."
        ) from failure
    reader = csv.DictReader(StringIO(text))
    heads = tuple(reader.fieldnames or ())
    if not set(COLUMNS) <= set(heads) or not set(heads) <= {*COLUMNS, "emulated"}:
        raise ScalingPointsError(
            f"{path} has the columns {', '.join(heads) or 'none'}",
            f"A table of points has {' and '.join(COLUMNS)}, and emulated where that is known.",
            "Name the columns so in its first line.",
        )
    return tuple(
        Point.parse(_cells(cells), source=f"{path}, row {number}", error=ScalingPointsError).model_copy(
            update={"source": str(path)}
        )
        for number, cells in enumerate(reader, start=1)
    )


def _cells(cells: dict[str, str]) -> dict[str, str]:
    """A row as it is parsed; an empty ``emulated`` is unknown."""
    return {name: value for name, value in cells.items() if not (name == "emulated" and not value)}


def read_run(replicas: int, folder: Path) -> Point:
    """The point of one run: answers that came inside its measurement, a second.

    Raises:
        ScalingPointsError: the folder holds no result.
        NotSaturatedError: the replicas answered all that was offered, so their limit is not known.
    """
    result, rows = read_result(
        folder, ScalingPointsError, "A point is N=FOLDER of carpal load run: name such a folder."
    )
    from_s, span_s = result.scenario.warmup_s, result.duration_s
    answered = completions(rows, from_s, from_s + span_s) / span_s
    offered = result.figures.offered_rate_per_s
    if answered > SATURATED_BELOW * offered:
        raise NotSaturatedError(
            f"{folder}: {replicas} replicas answered {answered:.1f} of {offered:.1f} requests a second",
            "They kept up with what was offered, so this is the rate of the scenario and not what they can do.",
            "Offer more than they can answer, 1.3 times is enough, and give that run.",
        )
    return Point(replicas=replicas, throughput_per_s=answered, source=str(folder), emulated=result.emulated)


def completions(rows: Sequence[Row], from_s: float, until_s: float) -> int:
    """Answers whose last byte came in [from_s, until_s): what came later was not done in that time."""
    return sum(
        row.outcome is Outcome.ANSWERED and row.end_s is not None and from_s <= row.end_s < until_s for row in rows
    )


def read_points(references: Sequence[str]) -> tuple[Point, ...]:
    """Points of tables and runs together, by N.

    Args:
        references: each the path of a table, or ``N=FOLDER``.

    Raises:
        ScalingPointsError: one cannot be read, or all together are too few to tell the laws apart.
    """
    points = [point for reference in references for point in _read(reference)]
    counts = {point.replicas for point in points}
    if len(points) < LEAST_POINTS or len(counts) < LEAST_COUNTS:
        raise ScalingPointsError(
            f"{len(points)} points at {len(counts)} different numbers of replicas were given",
            f"Fewer than {LEAST_POINTS} points or {LEAST_COUNTS} numbers cannot tell three laws apart: "
            "a law with three free numbers runs through any three points.",
            "Measure more numbers of replicas, 1, 2, 3, 4, 6 and 8 say.",
        )
    return tuple(sorted(points, key=lambda point: point.replicas))


def _read(reference: str) -> tuple[Point, ...]:
    number, equals, folder = reference.partition("=")
    if equals and number.isdecimal() and int(number) > 0:
        return (read_run(int(number), Path(folder)),)
    return read_table(Path(reference))
