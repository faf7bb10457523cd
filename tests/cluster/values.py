"""Values of charts/detector that the cases share."""

from __future__ import annotations

from typing import Any

from infra.cluster.addons.ingress import GATEWAY, SPACE

SMALL = {"requests": {"cpu": "50m", "memory": "300Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
ONE = {"autoscaling": {"class": "none", "minReplicas": 1}}
TWO = {"autoscaling": {"class": "none", "minReplicas": 2}}
GATEWAYS = [{"name": GATEWAY, "namespace": SPACE}]
BY_GATEWAY = {"route": {"enabled": True, "parentRefs": GATEWAYS}}


def emulated(image: dict[str, str], ms: int = 20, streams: int = 4, **server: Any) -> dict[str, Any]:
    """A release whose engine sleeps, so that a pod costs little; ``server`` is added to the values of that name."""
    return {
        "image": image,
        "resources": SMALL,
        "model": {"name": "wrist"},
        "server": {"engine": f"emulated:{ms}", "streams": streams, **server},
    }


def real(image: dict[str, str], **server: Any) -> dict[str, Any]:
    """A release whose engine computes."""
    return {"image": image, "resources": SMALL, "model": {"name": "wrist"}, "server": server}
