"""KubeRay: the operator that makes Ray clusters and jobs of custom resources, in the namespace `kuberay`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.cluster.addons.addon import Site
from infra.cluster.objects import administrator, deployment, namespace
from infra.cluster.program import Program

SPACE = "kuberay"
OPERATOR = "kuberay-operator"
MODULE = "github.com/ray-project/kuberay/ray-operator"
IMAGE = "localhost/carpal-kuberay-operator"
READY_S = 90.0


class KubeRay:
    """The operator as a pod: it calls the dashboard of a Ray head by its name in the cluster's DNS."""

    name = "kuberay"
    ports: Mapping[str, int] = {}

    def programs(self, _site: Site) -> Sequence[Program]:
        return []

    def install(self, site: Site) -> None:
        version = site.versions["KUBERAY_VERSION"]
        definitions = site.module(MODULE, version) / "config/crd/bases"
        site.kubectl.apply(namespace(SPACE), *administrator(OPERATOR, SPACE))
        site.kubectl.apply_text("\n---\n".join(path.read_text() for path in sorted(definitions.glob("*.yaml"))))
        operator = deployment(
            OPERATOR,
            SPACE,
            f"{IMAGE}:{version}",
            ["--enable-leader-election=false"],
            ports={"http": 8080},
            probe={"httpGet": {"path": "/metrics", "port": "http"}},
        )
        site.kubectl.apply(operator)

    def wait(self, site: Site) -> None:
        site.kubectl.rolled_out(SPACE, OPERATOR, READY_S)
