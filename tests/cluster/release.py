"""A release of a chart in a namespace of a real cluster."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from infra.cluster.addons.ingress import PORT
from infra.cluster.instance import Instance
from infra.cluster.kubectl import wait_until
from infra.cluster.network import Place
from infra.cluster.node import Node
from tests.cluster.place import Space

ROOT = Path(__file__).resolve().parents[2]
READY_S = 300
KEPT = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
"""What Kubernetes puts into every namespace."""
EVERYBODYS = {
    "selfsubjectreviews.authentication.k8s.io",
    "selfsubjectaccessreviews.authorization.k8s.io",
    "selfsubjectrulesreviews.authorization.k8s.io",
}
"""What Kubernetes lets every account do: ask what it may do. Everything else would be a right that nobody needs."""
KINDS = (
    "configmaps,secrets,serviceaccounts,services,pods,deployments.apps,replicasets.apps,jobs.batch,"
    "horizontalpodautoscalers.autoscaling,poddisruptionbudgets.policy,networkpolicies.networking.k8s.io,"
    "inferenceservices.serving.kserve.io,servingruntimes.serving.kserve.io"
)


@dataclass(frozen=True)
class Release:
    """One release.

    Attributes:
        helm: the program, of either major.
        kubeconfig: of the cluster where it is installed.
        cluster: gives the cluster whose network it can be reached in; it skips the case where there is none.
        space: the namespace.
        folder: for files of values.
        name: of the release.
    """

    helm: Path
    kubeconfig: Path
    cluster: Callable[[], Instance]
    space: Space
    folder: Path
    name: str = "wrist"

    def __call__(self, *words: str) -> str:
        """Run Helm in the namespace; gives what it said."""
        command = [str(self.helm), *words, "--namespace", self.space.name, "--kubeconfig", str(self.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}{done.stdout}"
        return done.stdout

    def install(self, chart: str | Path, values: dict[str, Any], verb: str = "install", *options: str) -> str:
        """Install or upgrade a chart of this checkout, by name, or another one by its folder; gives the NOTES."""
        file = self.folder / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        return self(verb, self.name, str(ROOT / "charts" / chart), "--values", str(file), *options)

    def refused(self, chart: str, values: dict[str, Any]) -> str:
        """What Helm says of values that it does not install."""
        with pytest.raises(AssertionError) as refusal:
            self.install(chart, values)
        return str(refusal.value)

    def ready(self, service: str | None = None) -> None:
        """Wait until the InferenceService is Ready and its Deployment is rolled out."""
        name = service or self.name
        self.space("wait", f"inferenceservice/{name}", "--for=condition=Ready", f"--timeout={READY_S}s")
        self.space("rollout", "status", f"deployment/{name}-predictor", f"--timeout={READY_S}s")

    def address(self) -> str:
        """Base URL of its Service in the cluster's network, as soon as that leads to a pod.

        Whoever asks at the moment when a release is Ready may be refused: the proxy of a node takes changes up once a
        second.
        """
        url = f"http://{self.space.read('service', f'{self.name}-predictor')['spec']['clusterIP']}"
        self._leads("the Service", url)
        return url

    def gateway(self) -> str:
        """Base URL of the Gateway in the cluster's network."""
        return f"http://{Place(1).address}:{PORT}"

    def routed(self) -> None:
        """Wait until the Gateway leads to it."""
        self._leads("the route", self.gateway())

    def _leads(self, what: str, url: str) -> None:
        asked = ("curl", "-fsS", "--max-time", "10", f"{url}/v2/health/ready")
        wait_until(what, lambda: self.inside(*asked).returncode == 0, READY_S)

    def arguments(self) -> list[str]:
        """With which its pods are started; empty as long as KServe has not made the Deployment."""
        only = f"--field-selector=metadata.name={self.name}-predictor"
        found = self.space.read("deployments", only)["items"]
        return [word for one in found for word in one["spec"]["template"]["spec"]["containers"][0]["args"]]

    def asked(self, notes: str, start: str) -> str:
        """What the one command of the NOTES prints that begins so."""
        (line,) = {line.partition("#")[0].strip() for line in notes.splitlines() if line.strip().startswith(start)}
        return self.space.kubectl.attempt(*shlex.split(line)[1:]).stdout

    def inside(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the cluster's network."""
        command = Node(self.cluster(), Place(1)).namespaces.inside(list(words))
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def pods(self, service: str | None = None) -> list[dict[str, Any]]:
        """The pods of an InferenceService that are not on their way out."""
        label = f"serving.kserve.io/inferenceservice={service or self.name}"
        found = self.space.read("pods", f"--selector={label}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def settled(self, replicas: int) -> None:
        """Wait until so many pods are there and ready, and no others."""

        def holds() -> bool:
            status = self.space.read("deployment", f"{self.name}-predictor")["status"]
            return len(self.pods()) == replicas == status.get("readyReplicas") == status.get("updatedReplicas")

        wait_until(f"{replicas} ready pods", holds, READY_S)

    def left(self) -> set[str]:
        """Objects that are in the namespace and not Kubernetes' own."""
        items = self.space.read(KINDS)["items"]
        return {f"{item['kind'].lower()}/{item['metadata']['name']}" for item in items} - KEPT
