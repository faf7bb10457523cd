"""A node: containerd, kubelet and kube-proxy in namespaces of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.cluster.controlplane import ControlPlane
from infra.cluster.instance import Instance, written
from infra.cluster.namespaces import Namespaces
from infra.cluster.network import ALL_PODS, DNS_SERVICE, Place, write_cni
from infra.cluster.program import Program

CNI_PLUGINS = "/usr/lib/cni"
PAUSE_IMAGE = "localhost/carpal-pause:1"
MOST_PODS = 200


@dataclass(frozen=True)
class Node:
    """One node of a cluster, by its place in the network."""

    instance: Instance
    place: Place

    @property
    def folder(self) -> Path:
        """The node's files."""
        return self.instance.part(self.place.node)

    @property
    def namespaces(self) -> Namespaces:
        """Where its programs run."""
        return Namespaces(self.instance.folder / "namespaces", self.place.node)

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self.folder / "containerd.sock"

    @property
    def group(self) -> str:
        """The control group that its pods are in."""
        return f"carpal-{self.instance.name}/{self.place.node}"

    def own(self) -> Mapping[str, Path]:
        """Folders that these programs have in one place a machine, and what stands there for this node."""
        return {
            "/run/containerd": self.folder / "run-containerd",
            "/var/lib/cni": self.folder / "cni-results",
            "/var/log/pods": self.folder / "pod-logs",
            "/var/log/containers": self.folder / "container-logs",
        }

    def programs(self, control: ControlPlane) -> list[Program]:
        """containerd, kubelet and kube-proxy, their configuration written."""
        write_cni(self.folder / "cni", self.place, self.folder / "cni-leases")
        inside = self.namespaces.inside
        return [
            Program(f"containerd-{self.place.number}", inside(["containerd", f"--config={self._containerd()}"])),
            Program(f"kubelet-{self.place.number}", inside(self._kubelet(control))),
            Program(f"kube-proxy-{self.place.number}", inside(self._kube_proxy(control))),
        ]

    def _containerd(self) -> Path:
        text = f"""\
version = 2
root = "{self.folder}/containerd"
state = "/run/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
                    "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.tracing"]
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{self.folder}/cni"
"""
        return written(self.folder / "containerd.toml", text)

    def _kubelet(self, control: ControlPlane) -> list[str]:
        name = self.place.node
        serving = control.authority.issue(f"serving-{name}", name, addresses=[name, self.place.address])
        document = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": self.place.address,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(control.authority.pair.certificate)},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.group}",
            "clusterDNS": [DNS_SERVICE],
            "clusterDomain": "cluster.local",
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "failSwapOn": False,
            # Tolerates the sysctls and the out-of-memory scores that a root without CAP_SYS_RESOURCE may not set.
            "featureGates": {"KubeletInUserNamespace": True},
            # The disk is the machine's own: a node must not go because something else filled half of it.
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "maxPods": MOST_PODS,
            "podLogsDir": "/var/log/pods",
            "resolvConf": str(written(self.folder / "resolv.conf", "")),
            "rotateCertificates": False,
            "serializeImagePulls": False,
            "shutdownGracePeriod": "0s",
            "tlsCertFile": str(serving.certificate),
            "tlsPrivateKeyFile": str(serving.key),
            "volumePluginDir": str(self.folder / "volume-plugins"),
        }
        path = written(self.folder / "kubelet.json", json.dumps(document, indent=2))
        return [
            str(control.tool("kubelet")),
            f"--config={path}",
            f"--kubeconfig={control.kubeconfig(f'system:node:{name}', ['system:nodes'])}",
            f"--root-dir={self.folder}/kubelet",
            f"--cert-dir={self.folder}/kubelet-pki",
            f"--hostname-override={name}",
            f"--node-ip={self.place.address}",
        ]

    def _kube_proxy(self, control: ControlPlane) -> list[str]:
        return [
            str(control.tool("kube-proxy")),
            f"--kubeconfig={control.kubeconfig('system:kube-proxy')}",
            f"--hostname-override={self.place.node}",
            f"--cluster-cidr={ALL_PODS}",
            "--proxy-mode=nftables",
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
            "--healthz-bind-address=127.0.0.1:10256",
        ]
