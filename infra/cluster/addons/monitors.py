"""The resource types of the Prometheus operator that charts/detector makes; the operator itself is not installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.cluster.addons.addon import Site
from infra.cluster.program import Program

MODULE = "github.com/prometheus-operator/prometheus-operator"
GROUP = "monitoring.coreos.com"
KINDS = ("podmonitors", "prometheusrules")
READY_S = 60.0


class Monitors:
    """PodMonitor and PrometheusRule, which the API server then takes and nobody acts on."""

    name = "monitors"
    ports: Mapping[str, int] = {}

    def programs(self, _site: Site) -> Sequence[Program]:
        return []

    def install(self, site: Site) -> None:
        folder = site.module(MODULE, site.versions["PROMETHEUS_OPERATOR_VERSION"]) / "example/prometheus-operator-crd"
        texts = [(folder / f"{GROUP}_{kind}.yaml").read_text(encoding="utf-8") for kind in KINDS]
        site.kubectl.apply_text("\n---\n".join(texts))

    def wait(self, site: Site) -> None:
        names = [f"customresourcedefinition/{kind}.{GROUP}" for kind in KINDS]
        site.kubectl("wait", *names, "--for=condition=Established", f"--timeout={READY_S:.0f}s")
