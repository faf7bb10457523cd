"""A way in by the Gateway API: Traefik as a program of the first node, and the Gateway that KServe's routes name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml

from infra.cluster.addons.addon import Site
from infra.cluster.instance import written
from infra.cluster.kubectl import wait_until
from infra.cluster.objects import namespace
from infra.cluster.program import Program
from infra.cluster.wheels import command

MODULE = "sigs.k8s.io/gateway-api"
SPACE = "kserve"
GATEWAY = "kserve-ingress-gateway"
GATEWAY_CLASS = "traefik"
PORT = 8000
AGAIN, ATTEMPTS, AGAIN_AFTER = "again", 3, "10ms"
READY_S = 60.0


class Definitions:
    """The resource types of the Gateway API, which KServe looks for when it starts."""

    name = "gateway-api"
    ports: Mapping[str, int] = {}

    def programs(self, _site: Site) -> Sequence[Program]:
        return []

    def install(self, site: Site) -> None:
        folder = site.module(MODULE, site.versions["GATEWAY_API_VERSION"]) / "config/crd/standard"
        paths = [path for path in sorted(folder.glob("*.yaml")) if path.name != "kustomization.yaml"]
        site.kubectl.apply_text("\n---\n".join(path.read_text(encoding="utf-8") for path in paths))

    def wait(self, site: Site) -> None:
        definition = "customresourcedefinition/httproutes.gateway.networking.k8s.io"
        site.kubectl("wait", definition, "--for=condition=Established", f"--timeout={READY_S:.0f}s")


class Ingress:
    """Traefik with one entry point, whose port the Gateway's listener repeats because Traefik matches them by it.

    A connection that a pod refuses is offered to the next one: until the kubelet has noticed the end of a process,
    about a second, its address is still among those that requests go to. What was sent to a pod is never sent again.
    """

    name = "gateway"
    ports: Mapping[str, int] = {"http": PORT}

    def programs(self, site: Site) -> Sequence[Program]:
        again = {"http": {"middlewares": {AGAIN: {"retry": {"attempts": ATTEMPTS, "initialInterval": AGAIN_AFTER}}}}}
        file = written(site.instance.folder / "traefik.yaml", yaml.safe_dump(again))
        words = [
            str(command(site.cache, "traefik")),
            f"--entrypoints.web.address=:{PORT}",
            f"--entrypoints.web.http.middlewares={AGAIN}@file",
            f"--providers.file.filename={file}",
            "--providers.kubernetesgateway=true",
            "--providers.kubernetesgateway.throttleduration=200ms",
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--log.level=INFO",
            "--accesslog=true",
            "--ping=true",
            "--ping.entrypoint=web",
        ]
        return [Program("traefik", words, {"KUBECONFIG": str(site.control.administrator())})]

    def install(self, site: Site) -> None:
        listener = {
            "name": "http",
            "protocol": "HTTP",
            "port": PORT,
            "allowedRoutes": {"namespaces": {"from": "All"}},
        }
        site.kubectl.apply(
            namespace(SPACE),
            {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "GatewayClass",
                "metadata": {"name": GATEWAY_CLASS},
                "spec": {"controllerName": "traefik.io/gateway-controller"},
            },
            {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "Gateway",
                "metadata": {"name": GATEWAY, "namespace": SPACE},
                "spec": {"gatewayClassName": GATEWAY_CLASS, "listeners": [listener]},
            },
        )

    def wait(self, site: Site) -> None:
        wait_until("the Gateway", lambda: _programmed(site), READY_S)


def _programmed(site: Site) -> bool:
    found = site.kubectl.read("gateway", GATEWAY, f"--namespace={SPACE}")
    conditions = found.get("status", {}).get("conditions", [])
    return any(entry["type"] == "Programmed" and entry["status"] == "True" for entry in conditions)
