"""Grafana dashboards, each of which opens on one question: infra/observability/dashboards/*.json.

The first row answers, the rows below say why. Every expression is tested: it parses, and the service exports what it
asks for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

PODS = 'namespace=~"$namespace",job=~"$job"'
SECONDS = "carpal_request_duration_seconds"
PARTS = 'stage!="total"'
USELESS = 'code=~"4..",code!~"429|499"'
COLUMNS = 24
GREEN, AMBER, RED = "#009e73", "#e69f00", "#d55e00"  # told apart by the colour-blind too (Okabe and Ito)
Steps = tuple[tuple[float | None, str], ...]
"""From which value on a colour holds; None is from the beginning."""
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True)
class Panel:
    """One picture: a question of detail, and the series that answer it, each with its label."""

    title: str
    series: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 12
    height: int = 8
    description: str = ""
    steps: Steps = ((None, GREEN),)


@dataclass(frozen=True)
class Dashboard:
    """One question."""

    uid: str
    question: str
    description: str
    panels: tuple[Panel, ...]


def _rate(metric: str, matchers: str = "", by: str = "") -> str:
    return f"sum{by and f' by ({by}) '}(rate({metric}{{{PODS}{matchers and ',' + matchers}}}[5m]))"


def _quantile(share: float, stage: str, by: str = "") -> str:
    labels = f"le{by and ', ' + by}"
    buckets = _rate("carpal_request_duration_seconds_bucket", f'stage="{stage}"', labels)
    return f"histogram_quantile({share:g}, {buckets})"


def _median(histogram: str, by: str) -> str:
    return f"histogram_quantile(0.5, {_rate(f'{histogram}_bucket', by=f'le, {by}')})"


def _stat(
    title: str, expression: str, description: str, steps: tuple[tuple[float | None, str], ...], unit: str
) -> Panel:
    return Panel(title, ((expression, ""),), unit, "stat", 6, 5, description, steps)


HEALTHY = Dashboard(
    "carpal-healthy",
    "Is it healthy?",
    "Do requests for detection get answers, well and in time?",
    (
        _stat("answered well, last hour", f"1 - max(carpal:requests_bad:share_1h{{{PODS}}})",
              "Share of requests that were neither refused nor failed.",
              ((None, RED), (0.99, AMBER), (0.999, GREEN)), "percentunit"),
        _stat("answered in time, last hour", f"1 - max(carpal:answers_late:share_1h{{{PODS}}})",
              "Share of answers within the objective of the release.",
              ((None, RED), (0.95, AMBER), (0.99, GREEN)), "percentunit"),
        _stat("pods ready", f"sum(carpal_ready{{{PODS}}})", "Pods with a warm model that take requests.",
              ((None, RED), (1, AMBER), (2, GREEN)), "short"),
        _stat("requests a second", _rate("carpal_requests_total"), "All requests for detection.",
              ((None, GREEN),), "reqps"),
        Panel("requests by status", ((_rate("carpal_requests_total", by="code"), "{{code}}"),), "reqps"),
        Panel("what went wrong, by error code",
              ((_rate("carpal_requests_total", 'code!="200"', "reason"), "{{reason}}"),), "reqps",
              description="The codes are those of docs/reference/errors.md."),
        Panel("whole answers",
              tuple((_quantile(share, "total"), f"p{share * 100:g}") for share in (0.5, 0.95, 0.99)), "s"),
        Panel("where the time goes, mean of each stage",
              ((f"{_rate(f'{SECONDS}_sum', PARTS, 'stage')} / {_rate(f'{SECONDS}_count', PARTS, 'stage')}",
                "{{stage}}"),), "s"),
        Panel("budget burned, times the pace that lasts a month",
              tuple((f"carpal:requests_bad:share_{window}{{{PODS}}} / 0.001", f"over {window}")
                    for window in ("5m", "1h", "6h", "3d")), "short", width=24,
              description="Of an objective of 99.9 %. Above 14.4 over an hour somebody is paged."),
    ),
)  # fmt: skip

FULL = Dashboard(
    "carpal-full",
    "Is it full?",
    "How near is it to refusing requests, and what would help?",
    (
        _stat("queue filled", f"sum(carpal_queue_depth{{{PODS}}}) / sum(carpal_queue_capacity{{{PODS}}})",
              "Images that wait, as a share of those that may.",
              ((None, GREEN), (0.5, AMBER), (0.8, RED)), "percentunit"),
        _stat("refused, last 5 minutes", _rate("carpal_requests_total", 'code="429"') + " or vector(0)",
              "Requests a second that were told to come back later.", ((None, GREEN), (0.001, RED)), "reqps"),
        _stat("in flight for each ready pod",
              f"sum(carpal_requests_in_flight{{{PODS}}}) / sum(carpal_ready{{{PODS}}})",
              "What KEDA scales by, beside the queue.", ((None, GREEN), (2, AMBER), (8, RED)), "short"),
        _stat("p95 of waiting", _quantile(0.95, "queue"), "Time in the queue before any work.",
              ((None, GREEN), (0.25, AMBER), (1, RED)), "s"),
        Panel("queue of each pod", ((f"carpal_queue_depth{{{PODS}}}", "{{pod}}"),)),
        Panel("streams busy in each pod", ((f"carpal_streams_busy{{{PODS}}}", "{{pod}}"),)),
        Panel("requests and pods",
              ((_rate("carpal_requests_total"), "requests a second"), (f"sum(carpal_ready{{{PODS}}})", "pods ready"))),
        Panel("waiting", tuple((_quantile(share, "queue"), f"p{share * 100:g}") for share in (0.5, 0.95, 0.99)), "s"),
        Panel("CPU of each pod", ((_rate("process_cpu_seconds_total", by="pod"), "{{pod}}"),), "short",
              description="In cores."),
        Panel("memory of each pod", ((f"process_resident_memory_bytes{{{PODS}}}", "{{pod}}"),), "bytes"),
    ),
)  # fmt: skip

RIGHT = Dashboard(
    "carpal-right",
    "Is it right?",
    "Is the model that answers the one that should, and are the images such as it knows?",
    (
        _stat("models at once", f'count(count by (digest) (carpal_model_info{{{PODS},carpal_track!="canary"}} == 1))',
              "Digests among the stable pods; more than one during a rollout only.",
              ((None, GREEN), (2, AMBER)), "short"),
        _stat("pods that emulate", f'sum(carpal_model_info{{{PODS},emulated="true"}}) or vector(0)',
              "Their answers are not computed from the images.", ((None, GREEN), (1, RED)), "short"),
        _stat("images that could not be used",
              f"({_rate('carpal_requests_total', USELESS)} or vector(0)) / {_rate('carpal_requests_total')}",
              "Share of requests that are wrong in themselves.",
              ((None, GREEN), (0.01, AMBER), (0.1, RED)), "percentunit"),
        _stat("oldest process", f"time() - min(process_start_time_seconds{{{PODS}}})",
              "Since then some pod has served the same model.", ((None, GREEN),), "s"),
        Panel("who answers", ((f"carpal_model_info{{{PODS}}} == 1", ""),), kind="table", width=24,
              description="Name, version and digest of the package, engine and precision, for each pod."),
        Panel("models over time",
              ((f"count by (version, digest, carpal_track) (carpal_model_info{{{PODS}}} == 1)",
                "{{carpal_track}} {{version}}"),)),
        Panel("findings for each class",
              ((_rate("carpal_detections_total", by="class, status"), "{{class}} {{status}}"),), "reqps",
              description="A class that appears or vanishes: another model, or other patients."),
        Panel("probability of the findings, median",
              ((_median("carpal_confidence", "class"), "{{class}}"),), "percentunit"),
        Panel("quality of the images, median", ((_median("carpal_image_quality", "measure"), "{{measure}}"),),
              description="A shift of these is a shift of what comes in: another device, another protocol."),
        Panel("warnings of image quality",
              ((_rate("carpal_image_warnings_total", by="warning"), "{{warning}}"),), "reqps"),
        Panel("images that could not be used, by reason",
              ((_rate("carpal_requests_total", USELESS, "reason"), "{{reason}}"),), "reqps"),
    ),
)  # fmt: skip

DASHBOARDS = (HEALTHY, FULL, RIGHT)


def files() -> dict[str, str]:
    """Every dashboard as Grafana imports it."""
    return {
        f"infra/observability/dashboards/{board.uid.removeprefix('carpal-')}.json": json.dumps(
            document(board), indent=1
        )
        + "\n"
        for board in DASHBOARDS
    }


def document(board: Dashboard) -> dict[str, Any]:
    """One dashboard in Grafana's form."""
    return {
        "uid": board.uid,
        "title": board.question,
        "description": board.description,
        "tags": ["carpal"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "links": [_link(other) for other in DASHBOARDS if other is not board],
        "templating": {"list": [_source(), _variable("namespace", "carpal_ready"),
                                _variable("job", 'carpal_ready{namespace=~"$namespace"}')]},
        "panels": _placed(board.panels),
    }  # fmt: skip


def _link(other: Dashboard) -> dict[str, Any]:
    return {"type": "link", "title": other.question, "url": f"/d/{other.uid}", "keepTime": True, "includeVars": True}


def _source() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _variable(label: str, series: str) -> dict[str, Any]:
    return {
        "name": label, "type": "query", "datasource": SOURCE, "query": f"label_values({series}, {label})",
        "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }  # fmt: skip


def _placed(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    """From left to right, a new row where the next one does not fit."""
    placed, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > COLUMNS:
            x, y, row = 0, y + row, 0
        placed.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": panel.height}))
        x, row = x + panel.width, max(row, panel.height)
    return placed


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    steps = [{"value": value, "color": color} for value, color in panel.steps]
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": expression,
                "legendFormat": legend,
                **({"format": "table", "instant": True} if panel.kind == "table" else {}),
            }
            for index, (expression, legend) in enumerate(panel.series)
        ],
    }


def expressions() -> list[tuple[str, str]]:
    """Dashboard and panel, and expression, of every target."""
    return [(f"{board.question} {panel.title}", expression) for board in DASHBOARDS for panel in board.panels
            for expression, _ in panel.series]  # fmt: skip
