"""The control plane: etcd, API server, controller manager and scheduler, with their certificates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.cluster.instance import Instance
from infra.cluster.kubeconfig import write_kubeconfig
from infra.cluster.network import ALL_PODS, API_SERVICE, SERVICES, Place
from infra.cluster.pki import Authority, token_key
from infra.cluster.program import Program

API_PORT = 6443
ETCD_PORT = 2379
ADMINISTRATORS = "system:masters"
INTERNAL_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")

Inside = Callable[[Sequence[str]], list[str]]
"""Makes the command that runs these words in a node's namespaces."""


@dataclass(frozen=True)
class ControlPlane:
    """What the programs of the control plane are and how others reach them.

    Attributes:
        instance: the cluster.
        place: of the node that they run on.
        tool: gives where a built binary is.
    """

    instance: Instance
    place: Place
    tool: Callable[[str], Path]

    @property
    def authority(self) -> Authority:
        """The one that everybody in the cluster trusts."""
        return Authority(self.instance.part("pki"), "ca")

    @property
    def server(self) -> str:
        """Where the API server is for the cluster's own programs."""
        return f"https://{self.place.address}:{API_PORT}"

    def kubeconfig(self, user: str, organizations: Sequence[str] = ()) -> Path:
        """A kubeconfig for one of the cluster's own programs, by the name that RBAC knows it by."""
        file = user.replace(":", "-")
        pair = self.authority.issue(file, user, organizations=organizations)
        path = self.instance.part("kubeconfigs") / f"{file}.yaml"
        return write_kubeconfig(path, self.instance.name, self.server, self.authority, pair)

    def administrator(self) -> Path:
        """A kubeconfig for the cluster's own programs that may do everything."""
        return self.kubeconfig("carpal:administrator", [ADMINISTRATORS])

    def write_outer_kubeconfig(self, port: int) -> Path:
        """The kubeconfig for people, who come in through a port on 127.0.0.1."""
        pair = self.authority.issue("administrator", "carpal:person", organizations=[ADMINISTRATORS])
        name = f"carpal-{self.instance.name}"
        return write_kubeconfig(self.instance.kubeconfig, name, f"https://127.0.0.1:{port}", self.authority, pair)

    def programs(self, inside: Inside) -> list[Program]:
        """All four, in the order of their start; each waits for those before by itself."""
        return [
            Program("etcd", inside(self._etcd())),
            Program("kube-apiserver", inside(self._api_server())),
            Program("kube-controller-manager", inside(self._controller_manager())),
            Program("kube-scheduler", inside(self._scheduler())),
        ]

    def _etcd(self) -> list[str]:
        client = f"http://127.0.0.1:{ETCD_PORT}"
        return [
            str(self.tool("etcd")),
            "--name=etcd",
            f"--data-dir={self.instance.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--initial-advertise-peer-urls=http://127.0.0.1:2380",
            "--initial-cluster=etcd=http://127.0.0.1:2380",
            # What a power cut would lose is a test's cluster; a kill loses nothing, for the kernel has the pages.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _api_server(self) -> list[str]:
        addresses = [*INTERNAL_NAMES, "localhost", "127.0.0.1", self.place.address, API_SERVICE]
        serving = self.authority.issue("kube-apiserver", "kube-apiserver", addresses=addresses)
        to_kubelet = self.authority.issue("to-kubelet", "kube-apiserver", organizations=[ADMINISTRATORS])
        front = Authority(self.instance.part("pki"), "front-proxy-ca")
        to_aggregated = front.issue("front-proxy", "front-proxy-client")
        tokens = token_key(self.instance.part("pki"))
        return [
            str(self.tool("kube-apiserver")),
            f"--etcd-servers=http://127.0.0.1:{ETCD_PORT}",
            f"--advertise-address={self.place.address}",
            f"--secure-port={API_PORT}",
            f"--service-cluster-ip-range={SERVICES}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--client-ca-file={self.authority.pair.certificate}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--kubelet-client-certificate={to_kubelet.certificate}",
            f"--kubelet-client-key={to_kubelet.key}",
            f"--kubelet-certificate-authority={self.authority.pair.certificate}",
            "--kubelet-preferred-address-types=InternalIP",
            f"--service-account-key-file={tokens}",
            f"--service-account-signing-key-file={tokens}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--requestheader-client-ca-file={front.pair.certificate}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={to_aggregated.certificate}",
            f"--proxy-client-key-file={to_aggregated.key}",
            "--enable-aggregator-routing=true",
            "--profiling=false",
        ]

    def _controller_manager(self) -> list[str]:
        config = self.kubeconfig("system:kube-controller-manager")
        authority = self.authority.pair
        return [
            str(self.tool("kube-controller-manager")),
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--bind-address=127.0.0.1",
            f"--cluster-cidr={ALL_PODS}",
            "--allocate-node-cidrs=false",
            f"--root-ca-file={authority.certificate}",
            f"--cluster-signing-cert-file={authority.certificate}",
            f"--cluster-signing-key-file={authority.key}",
            f"--service-account-private-key-file={token_key(self.instance.part('pki'))}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            # The default of 15 s is for clusters of thousands; here a test waits for it.
            "--horizontal-pod-autoscaler-sync-period=5s",
            "--profiling=false",
        ]

    def _scheduler(self) -> list[str]:
        config = self.kubeconfig("system:kube-scheduler")
        return [
            str(self.tool("kube-scheduler")),
            f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
            "--profiling=false",
        ]
