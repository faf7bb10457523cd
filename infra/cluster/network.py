"""Addresses and links of a cluster. Every cluster has the same addresses: its namespaces keep them apart.

A bridge in the first node's namespace is the cluster's network; it carries the first node's address, and the second
node is on it by a veth pair. Pods of a node have a network of their own behind the node's address.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from infra.cluster.errors import MachineError
from infra.cluster.instance import written
from infra.cluster.namespaces import Namespaces

SERVICES = "10.89.128.0/20"
API_SERVICE = "10.89.128.1"
DNS_SERVICE = "10.89.128.10"
ALL_PODS = "10.89.0.0/17"
BRIDGE = "lan0"
FORWARDING = ("net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")


@dataclass(frozen=True)
class Place:
    """A node's number, from 1, and what follows from it."""

    number: int

    @property
    def node(self) -> str:
        """The node's name."""
        return f"node-{self.number}"

    @property
    def address(self) -> str:
        """The node's IPv4 address in the cluster's network."""
        return f"10.89.0.{self.number}"

    @property
    def pods(self) -> str:
        """The network (CIDR) of the node's pods."""
        return f"10.89.{self.number}.0/24"


def connect_first(namespaces: Namespaces, place: Place) -> None:
    """Make the cluster's network in the first node's namespace, once."""
    if _has_link(namespaces, BRIDGE):
        return
    namespaces.ip("link", "add", BRIDGE, "type", "bridge")
    # A bridge has a carrier only while a link on it is up, and an address without a carrier answers nobody.
    namespaces.ip("link", "add", "carrier0", "type", "veth", "peer", "name", "carrier1")
    for command in (
        f"link set carrier0 master {BRIDGE}",
        "link set carrier0 up",
        "link set carrier1 up",
        f"addr add {place.address}/24 dev {BRIDGE}",
        f"link set {BRIDGE} up",
        f"route add default dev {BRIDGE}",
    ):
        namespaces.ip(*command.split())
    _forward(namespaces)


def connect_next(first: Namespaces, namespaces: Namespaces, place: Place, others: list[Place]) -> None:
    """Put a further node on the cluster's network, once, with routes to the pods of the others and back."""
    if _has_link(namespaces, BRIDGE):
        return
    outer = f"to-{place.node}"
    first.ip("link", "add", outer, "type", "veth", "peer", "name", BRIDGE, "netns", str(namespaces.network))
    first.ip("link", "set", outer, "master", BRIDGE)
    first.ip("link", "set", outer, "up")
    namespaces.ip("addr", "add", f"{place.address}/24", "dev", BRIDGE)
    namespaces.ip("link", "set", BRIDGE, "up")
    namespaces.ip("route", "add", "default", "dev", BRIDGE)
    for other in others:
        namespaces.ip("route", "replace", other.pods, "via", other.address)
        first.ip("route", "replace", place.pods, "via", place.address)
    _forward(namespaces)


def write_cni(folder: Path, place: Place, leases: Path) -> None:
    """The CNI configuration of a node: a bridge for its pods, addresses from its own network."""
    document = {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "pods0",
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(leases),
                    "ranges": [[{"subnet": place.pods}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    written(folder / "10-pods.conflist", json.dumps(document, indent=2))


def _forward(namespaces: Namespaces) -> None:
    for setting in FORWARDING:
        namespaces.run("sysctl", "--quiet", "--write", setting)


def _has_link(namespaces: Namespaces, link: str) -> bool:
    try:
        namespaces.ip("link", "show", link)
    except MachineError:
        return False
    return True
