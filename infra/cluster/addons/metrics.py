"""Usage of pods and nodes for `kubectl top` and the HPA: metrics-server by the chart that its module carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.cluster.addons.addon import Site
from infra.cluster.charts import render
from infra.cluster.kubectl import wait_until
from infra.cluster.program import Program

IMAGE = "localhost/carpal-metrics-server"
MODULE = "sigs.k8s.io/metrics-server"
READY_S = 90.0


class Metrics:
    """metrics-server; it reads each node every 15 s, which is as often as its time-out of 10 s allows."""

    name = "metrics"
    ports: Mapping[str, int] = {}

    def programs(self, _site: Site) -> Sequence[Program]:
        return []

    def install(self, site: Site) -> None:
        version = site.versions["METRICS_SERVER_VERSION"]
        values = {
            "image": {"repository": IMAGE, "tag": version},
            # Fake nodes of KWOK have no kubelet: a thousand questions that nobody answers.
            "args": ["--kubelet-insecure-tls", "--metric-resolution=15s", "--node-selector=type!=kwok"],
            "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}},
            "livenessProbe": {"failureThreshold": 10},
            "readinessProbe": {"initialDelaySeconds": 1, "periodSeconds": 2, "failureThreshold": 30},
        }
        chart = site.module(MODULE, version) / "charts/metrics-server"
        site.kubectl.apply_text(render(site, chart, "metrics-server", "kube-system", values))

    def wait(self, site: Site) -> None:
        site.kubectl.rolled_out("kube-system", "metrics-server", READY_S)
        wait_until("the metrics API", lambda: site.kubectl.succeeds("top", "nodes"), READY_S)
