"""infra/observability/rules.yaml: the alerts of charts/detector for every release, for a Prometheus alone."""

from __future__ import annotations

from typing import Any

import yaml

from tools.charts import rendering

SOURCE = "charts/detector/examples/keda/rendered/prometheusrule.yaml"
ONE_RELEASE, EVERY_RELEASE = 'job="radiology/wrist"', 'job=~".+"'
HEAD = """\
# The alerts of charts/detector, for every job that exports its metrics. Made by make generate from
# charts/detector/examples/keda. Releases with monitoring.rules.enabled bring their own: do not load both.
"""


def files() -> dict[str, str]:
    """The file of rules."""
    return {"infra/observability/rules.yaml": HEAD + yaml.safe_dump(groups(), sort_keys=False, width=118)}


def groups() -> dict[str, Any]:
    """The groups as they stand in the example's PrometheusRule, for any job."""
    text = rendering.files()[SOURCE]
    assert ONE_RELEASE in text, "the example's rules do not name its release any more"
    return {"groups": yaml.safe_load(text.replace(ONE_RELEASE, EVERY_RELEASE))["spec"]["groups"]}


def expressions() -> list[tuple[str, str]]:
    """Name and expression of every rule."""
    return [
        (rule.get("alert") or rule["record"], rule["expr"]) for group in groups()["groups"] for rule in group["rules"]
    ]
