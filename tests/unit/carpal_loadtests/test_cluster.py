"""What Kubernetes 1.34.4 answered while an autoscaler scaled, answered again: see tests/data/kubernetes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from carpal_loadtests import scenario as scenarios
from carpal_loadtests.cluster import CPU, CPU_AGE, CPU_WINDOW, READY, SOURCE, WANTED, Place, open_cluster
from carpal_loadtests.errors import ClusterError
from carpal_loadtests.result import read_result

ANSWERS = Path(__file__).resolve().parents[2] / "data/kubernetes"
NAMESPACE = "hpa-record"
PATHS = {
    f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments": "deployments.json",
    f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers": "horizontalpodautoscalers.json",
    f"/apis/metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/pods": "podmetrics.json",
    f"/api/v1/namespaces/{NAMESPACE}/events": "events.json",
}


@pytest.fixture
def gone() -> set[str]:
    """Files that the API server does not give any more."""
    return set()


@pytest.fixture
def kubeconfig(tmp_path: Path, gone: set[str]) -> Iterator[Path]:
    """How to reach an API server that gives the recorded answers."""

    class Recorded(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = PATHS.get(self.path.partition("?")[0])
            there = name is not None and name not in gone
            self.send_response(200 if there else 403)
            body = (ANSWERS / name).read_bytes() if there and name else b'{"kind": "Status", "message": "forbidden"}'
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorded)
    Thread(target=server.serve_forever, daemon=True).start()
    yield written(tmp_path, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def written(folder: Path, url: str) -> Path:
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "it",
                "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
                "clusters": [{"name": "it", "cluster": {"server": url}}],
                "users": [{"name": "it", "user": {}}],
            }
        )
    )
    return path


def test_replicas_and_what_the_autoscaler_sees_become_samples(kubeconfig: Path) -> None:
    samples = open_cluster(Place(NAMESPACE, kubeconfig)).probe()
    assert {sample.source for sample in samples} == {SOURCE}
    values = {(sample.name, sample.labels): sample.value for sample in samples}
    deployment, hpa = 'deployment="wrist-predictor"', 'hpa="wrist"'
    assert values[WANTED, deployment] == 3
    assert values[READY, deployment] + values["replicas_unavailable", deployment] == 3
    assert values["hpa_current_replicas", hpa] == 2  # it has just asked for a third
    assert values["hpa_desired_replicas", hpa] == 3
    assert values["hpa_utilization_percent", f'{hpa},resource="cpu"'] > 60


def test_the_cpu_of_pods_becomes_samples_with_its_age_and_window(kubeconfig: Path) -> None:
    cluster = open_cluster(Place(NAMESPACE, kubeconfig))
    assert cluster.probes() == [cluster.probe, cluster.probe_usage]
    samples = cluster.probe_usage()
    assert {sample.source for sample in samples} == {SOURCE}
    pod = 'pod="wrist-predictor-75c55946bf-2f2tl"'
    (cpu,) = (sample for sample in samples if (sample.name, sample.labels) == (CPU, pod))
    (age,) = (sample for sample in samples if (sample.name, sample.labels) == (CPU_AGE, pod))
    (window,) = (sample for sample in samples if (sample.name, sample.labels) == (CPU_WINDOW, pod))
    assert cpu.value == pytest.approx(7.045807)
    assert window.value == 14.998
    assert age.at_s - age.value == pytest.approx(datetime(2026, 11, 26, 22, 45, 21, tzinfo=UTC).timestamp())
    assert len(samples) == 3 * 4


def test_without_a_metrics_server_only_replicas_are_asked_for(kubeconfig: Path, gone: set[str]) -> None:
    cluster = open_cluster(Place(NAMESPACE, kubeconfig))
    gone.add("podmetrics.json")
    assert cluster.probes() == [cluster.probe]


def test_events_are_told_in_order_and_from_the_beginning_of_the_run_on(kubeconfig: Path) -> None:
    cluster = open_cluster(Place(NAMESPACE, kubeconfig))
    events = cluster.events(0.0)
    assert [event.at for event in events] == sorted(event.at for event in events)
    rescaled = [event for event in events if event.reason == "SuccessfulRescale"]
    assert ["New size: 3" in rescaled[-2].message, "New size: 4" in rescaled[-1].message] == [True, True]
    assert {event.kind for event in events} >= {"HorizontalPodAutoscaler", "Pod", "ReplicaSet", "Deployment"}
    assert cluster.events(4e9) == ()


def test_an_api_server_that_falls_silent_is_missed_and_ends_nothing(kubeconfig: Path, gone: set[str]) -> None:
    cluster = open_cluster(Place(NAMESPACE, kubeconfig))
    gone.update(PATHS.values())
    with pytest.raises(OSError, match="403"):
        cluster.probe()
    assert cluster.events(0.0) == ()


@pytest.mark.parametrize("text", [None, "[1, 2]", "{", "apiVersion: v1"])
def test_what_is_no_kubeconfig_is_said(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ClusterError, match="reaches no cluster"):
        open_cluster(Place(NAMESPACE, path))


def test_a_cluster_that_is_not_there_or_refuses_is_said(
    tmp_path: Path, dead_url: str, kubeconfig: Path, gone: set[str]
) -> None:
    gone.add("horizontalpodautoscalers.json")
    with pytest.raises(ClusterError, match="reaches no cluster"):
        open_cluster(Place(NAMESPACE, kubeconfig))
    with pytest.raises(ClusterError, match="reaches no cluster"):
        open_cluster(Place(NAMESPACE, written(tmp_path, dead_url)))


def test_whoever_leads_locust_records_them(
    kubeconfig: Path, known: Callable[..., Any], scenario: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "scenario.yaml").write_bytes(scenario(rate_per_s=10, duration_s=1).to_json())
    words = ["-f", str(Path(scenarios.__file__).with_name("locustfile.py")), "--headless", "--host", known().url]
    words += ["--scenario", str(tmp_path / "scenario.yaml"), "--out", str(tmp_path / "out")]
    words += ["--namespace", NAMESPACE, "--kubeconfig", str(kubeconfig)]
    subprocess.run([sys.executable, "-m", "locust", *words], check=True, capture_output=True, timeout=170)
    assert SOURCE in read_result(tmp_path / "out")[0].watched.sources
