"""KEDA: scales by queries of Prometheus, in the namespace `keda`; the operator and the API for external metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.cluster.addons.addon import Site
from infra.cluster.kubectl import wait_until
from infra.cluster.objects import administrator, deployment, namespace
from infra.cluster.program import Program

SPACE = "keda"
OPERATOR = "keda-operator"
ADAPTER = "keda-metrics-apiserver"
MODULE = "github.com/kedacore/keda/v2"
IMAGE = "localhost/carpal-keda"
CERTIFICATES = "kedaorg-certs"
API = "v1beta1.external.metrics.k8s.io"
READY_S = 120.0


class Keda:
    """Both programs as pods of one image; the operator makes the certificates that both use."""

    name = "keda"
    ports: Mapping[str, int] = {}

    def programs(self, _site: Site) -> Sequence[Program]:
        return []

    def install(self, site: Site) -> None:
        version = site.versions["KEDA_VERSION"]
        module = site.module(MODULE, version)
        site.kubectl.apply(namespace(SPACE), *administrator(OPERATOR, SPACE), *administrator(ADAPTER, SPACE))
        for path in sorted((module / "config/crd/bases").glob("*.yaml")):
            site.kubectl.apply_text(path.read_text(encoding="utf-8"))
        site.kubectl.apply_text((module / "config/metrics-server/api_service.yaml").read_text(encoding="utf-8"))
        image = f"{IMAGE}:{version}"
        site.kubectl.apply(
            _service(OPERATOR, {"metricsservice": (9666, 9666), "metrics": (8080, 8080)}),
            _service(ADAPTER, {"https": (443, 6443), "metrics": (8080, 8080)}),
            _operator(image),
            _adapter(image),
        )

    def wait(self, site: Site) -> None:
        site.kubectl.rolled_out(SPACE, OPERATOR, READY_S)
        site.kubectl.rolled_out(SPACE, ADAPTER, READY_S)
        wait_until("the API for external metrics", lambda: _available(site), READY_S)


def _operator(image: str) -> Mapping[str, object]:
    return deployment(
        OPERATOR,
        SPACE,
        image,
        ["--leader-elect=false", "--enable-cert-rotation=true", "--enable-webhook-patching=false"],
        command=["/keda"],
        environment=_environment(),
        probe={"httpGet": {"path": "/readyz", "port": 8081}},
        volumes={"certificates": ("/certs", {"secret": {"secretName": CERTIFICATES, "optional": True}})},
    )


def _adapter(image: str) -> Mapping[str, object]:
    return deployment(
        ADAPTER,
        SPACE,
        image,
        [
            "--secure-port=6443",
            "--client-ca-file=/certs/ca.crt",
            "--tls-cert-file=/certs/tls.crt",
            "--tls-private-key-file=/certs/tls.key",
            "--cert-dir=/certs",
            f"--metrics-service-address={OPERATOR}.{SPACE}.svc.cluster.local:9666",
        ],
        command=["/keda-adapter"],
        environment=_environment(),
        probe={"httpGet": {"path": "/readyz", "port": 6443, "scheme": "HTTPS"}},
        # Not optional: the pod starts when the operator has made the certificates.
        volumes={
            "certificates": ("/certs", {"secret": {"secretName": CERTIFICATES}}),
            "tmp": ("/tmp", {"emptyDir": {}}),
        },
    )


def _environment() -> list[Mapping[str, object]]:
    own = {"valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}
    # The adapter ends unless this exists, empty or not.
    return [{"name": "POD_NAMESPACE", **own}, {"name": "WATCH_NAMESPACE", "value": ""}]


def _service(name: str, ports: Mapping[str, tuple[int, int]]) -> Mapping[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {
            "selector": {"app.kubernetes.io/name": name},
            "ports": [{"name": port, "port": outer, "targetPort": inner} for port, (outer, inner) in ports.items()],
        },
    }


def _available(site: Site) -> bool:
    found = site.kubectl.read("apiservice", API)
    conditions = found.get("status", {}).get("conditions", [])
    return any(entry["type"] == "Available" and entry["status"] == "True" for entry in conditions)
