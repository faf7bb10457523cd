"""Which addons there are, which images they need, and which profiles people ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.cluster import base, wheels
from infra.cluster.addons import keda, kserve, kuberay, metrics
from infra.cluster.addons.addon import Addon
from infra.cluster.addons.dns import Dns
from infra.cluster.addons.ingress import Definitions, Ingress
from infra.cluster.addons.keda import Keda
from infra.cluster.addons.kserve import KServe
from infra.cluster.addons.kuberay import KubeRay
from infra.cluster.addons.metrics import Metrics
from infra.cluster.addons.monitors import Monitors
from infra.cluster.addons.objectstore import ObjectStore
from infra.cluster.addons.prometheus import Prometheus
from infra.cluster.addons.storage import Storage
from infra.cluster.errors import InstanceError
from infra.cluster.images import Content, Tool, program_image
from infra.cluster.node import PAUSE_IMAGE

Module = Callable[[str, str], Path]

PROFILES: Mapping[str, str] = {
    "ray": "KubeRay",
    "keda": "KEDA and Prometheus",
    "gateway": "the Gateway API by Traefik; KServe then makes an HTTPRoute for each InferenceService",
    "monitors": "PodMonitor and PrometheusRule of the Prometheus operator, without the operator",
}
"""What can be asked for beside the basis, and what it brings."""


def addons(profiles: Sequence[str]) -> list[Addon]:
    """The basis and what the profiles add, in the order of installation; InstanceError for an unknown profile."""
    unknown = sorted(set(profiles) - set(PROFILES))
    if unknown:
        raise InstanceError(
            f"There is no profile {unknown[0]!r}", f"the profiles are {', '.join(PROFILES)}", "choose among them"
        )
    found: list[Addon] = [Dns(), Storage(), ObjectStore(), Metrics()]
    # Before KServe, which looks once, at its start, for the kinds that it may make.
    found += [Definitions(), Ingress()] if "gateway" in profiles else []
    found += [Prometheus(), Keda()] if "keda" in profiles else []
    found += [Monitors()] if "monitors" in profiles else []
    found += [KServe(gateway="gateway" in profiles)]
    found += [KubeRay()] if "ray" in profiles else []
    return found


def contents(addon: str, versions: Mapping[str, str], tool: Tool, module: Module, cache: Path) -> list[Content]:
    """The images that an addon needs; for ``basis`` those of the nodes themselves."""
    match addon:
        case "basis":
            return [
                Content(base.REFERENCE, {}, [], on_base=True, user=""),
                Content(PAUSE_IMAGE, {}, ["sleep", "infinity"], on_base=True),
            ]
        case "metrics":
            return [program_image(f"{metrics.IMAGE}:{versions['METRICS_SERVER_VERSION']}", tool, "metrics-server")]
        case "kserve":
            version = versions["KSERVE_VERSION"]
            scripts = module(kserve.MODULE, version) / "python/storage-initializer/scripts"
            initializer = Content(
                f"{kserve.STORAGE_IMAGE}:{versions['KSERVE_STORAGE_VERSION']}",
                {"/opt/storage": wheels.place(cache, "storage"), "/initialize": scripts / "initializer-entrypoint"},
                ["python3", "/initialize"],
                on_base=True,
                environment={"PYTHONPATH": "/opt/storage", "HOME": "/tmp"},
                user="1000:1000",
            )
            return [program_image(f"{kserve.MANAGER_IMAGE}:{version}", tool, "manager"), initializer]
        case "kuberay":
            return [program_image(f"{kuberay.IMAGE}:{versions['KUBERAY_VERSION']}", tool, "kuberay-operator")]
        case "keda":
            return [program_image(f"{keda.IMAGE}:{versions['KEDA_VERSION']}", tool, "keda", "keda-adapter")]
    return []
