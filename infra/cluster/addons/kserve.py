"""KServe in Standard mode with its admission webhooks, by the charts that its module carries."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from infra.cluster.addons.addon import Site
from infra.cluster.charts import documents, named, render, without
from infra.cluster.kubectl import Object, wait_until
from infra.cluster.objects import namespace
from infra.cluster.pki import KeyPair
from infra.cluster.program import Program

SPACE = "kserve"
MODULE = "github.com/kserve/kserve"
MANAGER_IMAGE = "localhost/carpal-kserve-manager"
STORAGE_IMAGE = "localhost/carpal-storage-initializer"
CONTROLLER = "kserve-controller-manager"
WEBHOOK_SERVICE = "kserve-webhook-server-service"
WEBHOOK_SECRET = "kserve-webhook-server-cert"
WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
READY_S = 120.0


@dataclass(frozen=True)
class KServe:
    """The controller, its webhooks and the storage initializer.

    Attributes:
        gateway: whether InferenceServices get an HTTPRoute of the Gateway API instead of no way in.
    """

    gateway: bool = False
    name: str = "kserve"

    @property
    def ports(self) -> Mapping[str, int]:
        return {}

    def programs(self, _site: Site) -> Sequence[Program]:
        return []

    def install(self, site: Site) -> None:
        version = site.versions["KSERVE_VERSION"]
        charts = site.module(MODULE, version) / "charts"
        site.kubectl.apply(namespace(SPACE))
        site.kubectl.apply_text(render(site, charts / "kserve-crd", "kserve-crd", SPACE, {}))
        rendered = documents(render(site, charts / "kserve-resources", "kserve", SPACE, self._values(site)))
        objects = without(rendered, ("Issuer", "Certificate", "Secret"))
        pair = site.control.authority.issue(
            "kserve-webhook",
            WEBHOOK_SERVICE,
            addresses=[f"{WEBHOOK_SERVICE}.{SPACE}.svc", f"{WEBHOOK_SERVICE}.{SPACE}.svc.cluster.local"],
        )
        authority = _encoded(site.control.authority.pair.certificate.read_bytes())
        for found in objects:
            if found["kind"] in WEBHOOKS:
                for webhook in found["webhooks"]:
                    webhook["clientConfig"]["caBundle"] = authority
        _lean(named(objects, "Deployment", CONTROLLER), self.gateway)
        site.kubectl.apply(_secret(pair), *objects)

    def wait(self, site: Site) -> None:
        site.kubectl.rolled_out(SPACE, CONTROLLER, READY_S)
        wait_until("KServe's webhooks", lambda: _answers(site), READY_S)

    def _values(self, site: Site) -> dict[str, Any]:
        return {
            "kserve": {
                "agent": {"image": "localhost/carpal-kserve-agent"},
                "storage": {"image": STORAGE_IMAGE, "tag": site.versions["KSERVE_STORAGE_VERSION"]},
                # The default waits 5 minutes before it takes a replica away; a test waits for it.
                "autoscaler": {"scaleDownStabilizationWindowSeconds": "15"},
                "controller": {
                    "deploymentMode": "Standard",
                    "image": MANAGER_IMAGE,
                    "imagePullPolicy": "IfNotPresent",
                    "resources": {"requests": {"cpu": "50m", "memory": "100Mi"}, "limits": {"memory": "1Gi"}},
                    "gateway": {
                        "disableIstioVirtualHost": True,
                        "disableIngressCreation": not self.gateway,
                        "ingressGateway": {"enableGatewayApi": self.gateway, "className": "none"},
                    },
                },
            }
        }


def _lean(deployment: dict[str, Any], gateway: bool) -> None:
    """One container: the proxy in front of the controller's metrics comes from a registry and guards nothing here."""
    template = deployment["spec"]["template"]
    # The controller looks for optional kinds only when it starts: another choice of them must start it again.
    template["metadata"].setdefault("annotations", {})["carpal.local/gateway"] = str(gateway).lower()
    containers = template["spec"]["containers"]
    containers[:] = [container for container in containers if container["name"] == "manager"]
    containers[0]["args"] = [word for word in containers[0].get("args", []) if word != "--leader-elect"]
    for probe in ("readinessProbe", "livenessProbe"):
        if probe in containers[0]:
            containers[0][probe].update(initialDelaySeconds=1, periodSeconds=3)


def _secret(pair: KeyPair) -> Object:
    data = {"tls.crt": _encoded(pair.certificate.read_bytes()), "tls.key": _encoded(pair.key.read_bytes())}
    meta = {"name": WEBHOOK_SECRET, "namespace": SPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls", "data": data}


def _answers(site: Site) -> bool:
    """Whether a dry run reaches the webhooks: the endpoint of a Service is known everywhere a moment after its pod."""
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "probe", "namespace": "default"},
        "spec": {"predictor": {"containers": [{"name": "kserve-container", "image": "localhost/none"}]}},
    }
    done = site.kubectl.attempt("create", "--dry-run=server", "-f", "-", text=yaml.safe_dump(service))
    return done.returncode == 0


def _encoded(body: bytes) -> str:
    return base64.b64encode(body).decode()
