"""Names in the cluster: CoreDNS as a program of the first node, behind the Service kube-dns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.cluster.addons.addon import Site
from infra.cluster.instance import written
from infra.cluster.kubectl import wait_until
from infra.cluster.network import DNS_SERVICE
from infra.cluster.objects import outside_service
from infra.cluster.program import Program

PORT = 5353
HEALTH_PORT = 5380
READY_S = 60.0


class Dns:
    """CoreDNS; it answers for cluster.local and for nothing else, because nothing else can be reached."""

    name = "dns"
    ports: Mapping[str, int] = {}

    def programs(self, site: Site) -> Sequence[Program]:
        address = site.place.address
        corefile = f"""\
.:{PORT} {{
    bind {address}
    errors
    ready {address}:{HEALTH_PORT}
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {site.control.administrator()} {site.instance.name}
        ttl 5
    }}
    cache 5
    loadbalance
}}
"""
        path = written(site.instance.part("coredns") / "Corefile", corefile)
        return [Program("coredns", [str(site.tool("coredns")), f"-conf={path}"])]

    def install(self, site: Site) -> None:
        ports = {"dns": (53, PORT), "dns-tcp": (53, PORT)}
        protocols = {"dns": "UDP"}
        objects = outside_service("kube-dns", "kube-system", site.place.address, ports, DNS_SERVICE, protocols)
        site.kubectl.apply(*objects)

    def wait(self, site: Site) -> None:
        log = site.instance.logs / "coredns.log"
        wait_until("coredns", lambda: log.is_file() and "CoreDNS-" in log.read_text(errors="replace"), READY_S)
