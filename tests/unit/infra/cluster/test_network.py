"""Addresses follow from a node's number, and no two networks overlap."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

from infra.cluster.network import ALL_PODS, API_SERVICE, DNS_SERVICE, SERVICES, Place, write_cni


def test_no_two_networks_of_a_cluster_overlap():
    lan = ipaddress.ip_network(f"{Place(1).address}/24", strict=False)
    networks = [lan, *(ipaddress.ip_network(Place(number).pods) for number in (1, 2)), ipaddress.ip_network(SERVICES)]
    assert not any(one.overlaps(other) for one in networks for other in networks if one is not other)


def test_pods_are_in_the_range_that_kube_proxy_is_told_of():
    assert all(ipaddress.ip_network(Place(n).pods).overlaps(ipaddress.ip_network(ALL_PODS)) for n in (1, 2))


def test_the_fixed_services_are_in_the_range_of_services():
    assert all(ipaddress.ip_address(found) in ipaddress.ip_network(SERVICES) for found in (API_SERVICE, DNS_SERVICE))


def test_a_node_gives_its_pods_addresses_of_its_own_network(tmp_path: Path):
    write_cni(tmp_path, Place(2), tmp_path / "leases")
    (document,) = [json.loads(path.read_text()) for path in tmp_path.glob("*.conflist")]
    assert document["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.89.2.0/24"}]]
