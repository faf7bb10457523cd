"""What Kubernetes does while the load runs: replicas, autoscalers, CPU of pods once a second, and the events.

Standard objects only, so it works with charts/detector, KServe, KEDA and anything else that scales by a Deployment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import yaml

from carpal.document import Document
from carpal_loadtests.errors import ClusterError
from carpal_loadtests.telemetry import Probe, Sample

SOURCE = "cluster"
TIMEOUT_S = 2.0
WANTED, READY = "replicas_wanted", "replicas_ready"
CPU, CPU_AGE, CPU_WINDOW = "pod_cpu_milli", "pod_cpu_age_seconds", "pod_cpu_window_seconds"
UTILIZATION = "hpa_utilization_percent"
# Whose events tell how a load was met; a Service's or a claim's do not.
KINDS = frozenset({"HorizontalPodAutoscaler", "ScaledObject", "Deployment", "ReplicaSet", "Pod", "InferenceService"})

Object = Mapping[str, Any]
List = Callable[..., Any]
"""A list call of the kubernetes client."""


class ScalingEvent(Document):
    """One event of an autoscaler, a Deployment, a ReplicaSet, a Pod or an InferenceService."""

    at: str
    kind: str
    name: str
    reason: str
    message: str
    count: int


@dataclass(frozen=True)
class Place:
    """A namespace and how it is reached."""

    namespace: str
    kubeconfig: Path | None = None
    """None: $KUBECONFIG, the file in the home folder, or the service account of the pod that this runs in."""
    selector: str = ""
    """Of labels; empty for every Deployment and autoscaler of the namespace."""


class Cluster:
    """One namespace under load.

    Args:
        deployments, autoscalers, usage, events: list calls of the kubernetes client for a namespace.
        place: the namespace.
    """

    def __init__(self, deployments: List, autoscalers: List, usage: List, events: List, place: Place) -> None:
        self._deployments = deployments
        self._autoscalers = autoscalers
        self._usage = usage
        self._events = events
        self._place = place

    def probe(self) -> list[Sample]:
        """Wanted, ready and unavailable replicas of each Deployment; what each autoscaler sees and wants.

        Raises:
            OSError: the API server did not answer.
        """
        now = time.time()
        deployments = self._listed(self._deployments, self._place.selector)
        autoscalers = self._listed(self._autoscalers, self._place.selector)
        return [*_of_deployments(now, deployments), *_of_autoscalers(now, autoscalers)]

    def probes(self) -> list[Probe]:
        """What can be asked: CPU only where somebody answers, so that no cluster counts as silent for lack of it."""
        try:
            self.probe_usage()
        except OSError:
            return [self.probe]
        return [self.probe, self.probe_usage]

    def probe_usage(self) -> list[Sample]:
        """CPU of each pod as metrics-server knows it: thousandths of a core, how old that is, and over what time.

        Raises:
            OSError: nobody answered; there may be no metrics-server, or no permission to list ``metrics.k8s.io``.
        """
        now = time.time()
        return list(_of_pods(now, self._listed(self._usage, "")))

    def events(self, since_unix_s: float) -> tuple[ScalingEvent, ...]:
        """Events of the namespace since then, oldest first; none where the API server does not answer."""
        try:
            found = self._listed(self._events, "")
        except OSError:
            return ()
        told = [(_time_of(one), one) for one in found if one["involvedObject"].get("kind") in KINDS]
        told = [(at, one) for at, one in told if datetime.fromisoformat(at).timestamp() >= since_unix_s]
        return tuple(
            ScalingEvent(
                at=at,
                kind=one["involvedObject"]["kind"],
                name=one["involvedObject"]["name"],
                reason=one.get("reason") or "",
                message=one.get("message") or "",
                count=one.get("count") or 1,
            )
            for at, one in sorted(told, key=lambda pair: pair[0])
        )

    def _listed(self, ask: List, selector: str) -> Sequence[Object]:
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        keys = {"label_selector": selector} if selector else {}
        try:
            # Undecoded: the client's own objects cost ten times the CPU, every second, beside the load.
            answer = ask(self._place.namespace, _preload_content=False, _request_timeout=TIMEOUT_S, **keys)
            items: Sequence[Object] = orjson.loads(answer.data)["items"]
        except (ApiException, HTTPError) as failure:
            raise OSError(str(failure)) from failure
        return items


def open_cluster(place: Place) -> Cluster:
    """Reach a cluster, and ask it once.

    Raises:
        ClusterError: no kubeconfig, or the API server does not answer or refuses.
    """
    # Imported here: half a second, which only a test of a cluster pays.
    from kubernetes import client, config

    where = place.kubeconfig or "the default kubeconfig"
    try:
        api = _client(place.kubeconfig)
        cluster = Cluster(
            client.AppsV1Api(api).list_namespaced_deployment,
            client.AutoscalingV2Api(api).list_namespaced_horizontal_pod_autoscaler,
            _usage_of(client.CustomObjectsApi(api)),
            client.CoreV1Api(api).list_namespaced_event,
            place,
        )
        cluster.probe()
    except (config.ConfigException, OSError, TypeError, yaml.YAMLError) as failure:
        raise ClusterError(
            f"{where} reaches no cluster: {str(failure).strip().splitlines()[0]}",
            "Replicas and autoscalers can only be recorded where the API server answers and lets them be listed.",
            "Correct --kubeconfig and --namespace, or leave them out.",
        ) from failure
    return cluster


def _client(kubeconfig: Path | None) -> Any:
    from kubernetes import client, config
    from urllib3 import Retry

    settings = client.Configuration()
    # One try a second is enough: the next look is the retry.
    settings.retries = Retry(total=0)
    try:
        config.load_kube_config(str(kubeconfig) if kubeconfig else None, client_configuration=settings)
    except config.ConfigException:
        if kubeconfig is not None:
            raise
        config.load_incluster_config(client_configuration=settings)
    return client.ApiClient(settings)


def _of_deployments(now: float, items: Iterable[Object]) -> Iterable[Sample]:
    for one in items:
        label, status = f'deployment="{one["metadata"]["name"]}"', one.get("status", {})
        yield Sample(now, SOURCE, WANTED, label, float(one["spec"].get("replicas", 1)))
        yield Sample(now, SOURCE, READY, label, float(status.get("readyReplicas", 0)))
        yield Sample(now, SOURCE, "replicas_unavailable", label, float(status.get("unavailableReplicas", 0)))


def _of_autoscalers(now: float, items: Iterable[Object]) -> Iterable[Sample]:
    for one in items:
        label, status = f'hpa="{one["metadata"]["name"]}"', one.get("status", {})
        yield Sample(now, SOURCE, "hpa_current_replicas", label, float(status.get("currentReplicas", 0)))
        yield Sample(now, SOURCE, "hpa_desired_replicas", label, float(status.get("desiredReplicas", 0)))
        for metric in status.get("currentMetrics") or ():
            resource = metric.get("resource") or {}
            used = resource.get("current", {}).get("averageUtilization")
            if used is not None:
                yield Sample(now, SOURCE, UTILIZATION, f'{label},resource="{resource["name"]}"', float(used))


def _usage_of(api: Any) -> List:
    def ask(namespace: str, **keys: Any) -> Any:
        return api.list_namespaced_custom_object("metrics.k8s.io", "v1beta1", namespace, "pods", **keys)

    return ask


def _of_pods(now: float, items: Iterable[Object]) -> Iterable[Sample]:
    from kubernetes.utils import parse_quantity

    for one in items:
        label = f'pod="{one["metadata"]["name"]}"'
        used = sum(parse_quantity(container["usage"]["cpu"]) for container in one["containers"])
        yield Sample(now, SOURCE, CPU, label, float(used * 1000))
        yield Sample(now, SOURCE, CPU_AGE, label, now - datetime.fromisoformat(one["timestamp"]).timestamp())
        yield Sample(now, SOURCE, CPU_WINDOW, label, _seconds(one["window"]))


def _seconds(duration: str) -> float:
    """Of a duration as Go writes it: 1m2.345s."""
    minutes, _, seconds = duration.rpartition("m")
    return 60 * float(minutes or 0) + float(seconds.rstrip("s") or 0)


def _time_of(event: Object) -> str:
    """When it was last seen; the three places are those of old and new event APIs."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])
