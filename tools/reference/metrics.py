"""docs/reference/metrics.md: every metric of the service, and where its probes and ports are."""

from __future__ import annotations

from carpal_detector.families import FAMILIES, Family

PAGE = "docs/reference/metrics.md"
HEAD = """\
# Metrics

<!-- Made by make generate from the table that the service makes its metrics from. Do not edit. -->

`GET /metrics` on the REST port, as Prometheus' text, or as OpenMetrics where `Accept` asks for it. Names begin with
`carpal_`, units are base units. A name or label here is a promise: dashboards, alerts and autoscalers build on it.

- `model` is the name in the routes; it is empty for a request that named no model that is served.
- `code` is the HTTP status (for gRPC the equal one), `reason` the code of [the error](errors.md), `ok` where there is
  none.
- Probes and metadata are not counted. With several workers every figure is of all of them together, and so is
  every exemplar (the caller's `traceparent`), a second late.
- `process_cpu_seconds_total`, `process_resident_memory_bytes` and their like are of one worker, where there is one.

| metric | kind | labels | meaning |
|---|---|---|---|
"""
BUCKETS = """
## Buckets

| histogram | upper bounds |
|---|---|
"""


def files() -> dict[str, str]:
    histograms = [family for family in FAMILIES if family.kind == "histogram"]
    return {PAGE: HEAD + "".join(map(_row, FAMILIES)) + BUCKETS + "".join(map(_buckets, histograms))}


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.meaning} |\n"


def _buckets(family: Family) -> str:
    return f"| `{family.name}` | {', '.join(f'{bound:g}' for bound in family.buckets)} |\n"
