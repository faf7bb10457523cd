"""A release of a chart in a namespace of a real cluster."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from infra.cluster.instance import Instance
from tests.cluster.place import Space

ROOT = Path(__file__).resolve().parents[2]
CARPAL = str(Path(sys.executable).parent / "carpal")
READY_S = 180
KEPT = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
"""What Kubernetes puts into every namespace."""
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
        cluster: where it is installed.
        space: the namespace.
        folder: for files of values.
        name: of the release.
    """

    helm: Path
    cluster: Instance
    space: Space
    folder: Path
    name: str = "wrist"

    def __call__(self, *words: str) -> str:
        """Run Helm in the namespace; gives what it said."""
        command = [str(self.helm), *words, "--namespace", self.space.name, "--kubeconfig", str(self.cluster.kubeconfig)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}{done.stdout}"
        return done.stdout

    def install(self, chart: str, values: dict[str, Any], verb: str = "install") -> None:
        """Install or upgrade."""
        file = self.folder / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        self(verb, self.name, str(ROOT / "charts" / chart), "--values", str(file))

    def ready(self, service: str | None = None) -> None:
        """Wait until the InferenceService is Ready and its Deployment is rolled out."""
        name = service or self.name
        self.space("wait", f"inferenceservice/{name}", "--for=condition=Ready", f"--timeout={READY_S}s")
        self.space("rollout", "status", f"deployment/{name}-predictor", f"--timeout={READY_S}s")

    def left(self) -> set[str]:
        """Objects that are in the namespace and not Kubernetes' own."""
        items = self.space.read(KINDS)["items"]
        return {f"{item['kind'].lower()}/{item['metadata']['name']}" for item in items} - KEPT
