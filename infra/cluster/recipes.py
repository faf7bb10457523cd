"""What is built from Go modules, and from which: the table behind `make cluster-build`.

The order is the order of need: what a bare cluster wants comes first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

SMALL = ("-s", "-w")
"""Without symbol tables: a third smaller, and nothing here is debugged."""


@dataclass(frozen=True)
class Recipe:
    """Commands that are built together from one Go module.

    Attributes:
        name: what a person calls it.
        module: path of the Go module.
        version: its version, with the leading ``v``.
        commands: name of each binary to the package that is its ``main``, below ``module``.
        variables: Go variables that the linker sets, by their full name.
        seconds: measured on two idle cores with an empty build cache; only for the estimate that people are shown.
    """

    name: str
    module: str
    version: str
    commands: Mapping[str, str]
    seconds: int
    variables: Mapping[str, str] = field(default_factory=dict)

    def digest(self, toolchain: str) -> str:
        """Of everything that decides the binaries, the Go version included; names their place in the cache."""
        decides = {key: value for key, value in asdict(self).items() if key not in ("name", "seconds")}
        text = json.dumps([decides, SMALL, toolchain], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def recipes(versions: Mapping[str, str]) -> tuple[Recipe, ...]:
    """Every recipe at the given versions (names as in infra/versions.env)."""
    kubernetes = versions["KUBERNETES_VERSION"]
    served = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
    return (
        Recipe(
            "kubernetes",
            "k8s.io/kubernetes",
            kubernetes,
            {name: f"cmd/{name}" for name in served},
            seconds=372,
            variables=_kubernetes_variables(kubernetes),
        ),
        Recipe("etcd", "go.etcd.io/etcd/server/v3", versions["ETCD_VERSION"], {"etcd": ""}, seconds=70),
        Recipe(
            "kserve", "github.com/kserve/kserve", versions["KSERVE_VERSION"], {"manager": "cmd/manager"}, seconds=143
        ),
        Recipe("coredns", "github.com/coredns/coredns", versions["COREDNS_VERSION"], {"coredns": ""}, seconds=111),
        Recipe(
            "metrics-server",
            "sigs.k8s.io/metrics-server",
            versions["METRICS_SERVER_VERSION"],
            {"metrics-server": "cmd/metrics-server"},
            seconds=139,
        ),
        Recipe(
            "kuberay",
            "github.com/ray-project/kuberay/ray-operator",
            versions["KUBERAY_VERSION"],
            {"kuberay-operator": ""},
            seconds=83,
        ),
        Recipe(
            "kubeconform",
            "github.com/yannh/kubeconform",
            versions["KUBECONFORM_VERSION"],
            {"kubeconform": "cmd/kubeconform"},
            seconds=5,
        ),
        Recipe(
            "keda",
            "github.com/kedacore/keda/v2",
            versions["KEDA_VERSION"],
            {"keda": "cmd/operator", "keda-adapter": "cmd/adapter"},
            seconds=399,
        ),
        Recipe("kwok", "sigs.k8s.io/kwok", versions["KWOK_VERSION"], {"kwok": "cmd/kwok"}, seconds=71),
        Recipe("k6", "go.k6.io/k6", versions["K6_VERSION"], {"k6": ""}, seconds=49),
        Recipe("vegeta", "github.com/tsenart/vegeta/v12", versions["VEGETA_VERSION"], {"vegeta": ""}, seconds=6),
        Recipe(
            "toxiproxy",
            "github.com/Shopify/toxiproxy/v2",
            versions["TOXIPROXY_VERSION"],
            {"toxiproxy-server": "cmd/server"},
            seconds=6,
        ),
    )


def _kubernetes_variables(version: str) -> dict[str, str]:
    """What `kubectl version` and the API server's /version say; both libraries keep a copy."""
    major, minor, _ = version.removeprefix("v").split(".")
    said = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    libraries = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return {f"{library}.{name}": value for library in libraries for name, value in said.items()}
