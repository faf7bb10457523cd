"""Talks to an API server with kubectl: apply, wait, read."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from infra.cluster.errors import ClusterError, NotReadyError

Object = Mapping[str, Any]
FIELD_MANAGER = "carpal-cluster"
TICK_S = 0.25
T = TypeVar("T")


@dataclass(frozen=True)
class Kubectl:
    """One API server, as one user.

    Attributes:
        path: the kubectl binary.
        kubeconfig: which server, and as whom.
    """

    path: Path
    kubeconfig: Path

    def __call__(self, *arguments: str, text: str | None = None) -> str:
        """Run one command, ``text`` on its standard input. Raises ClusterError with what kubectl says."""
        done = self.attempt(*arguments, text=text)
        if done.returncode:
            raise ClusterError(
                f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}",
                "the API server refused it or does not answer",
                "see `cluster status` and `cluster logs`",
            )
        return done.stdout

    def succeeds(self, *arguments: str) -> bool:
        """Whether a command ends well."""
        return self.attempt(*arguments).returncode == 0

    def apply(self, *objects: Object) -> None:
        """Have these objects, by server-side apply: what is there already is changed to match."""
        self.apply_text(yaml.dump_all(objects, Dumper=yaml.CSafeDumper))

    def apply_text(self, text: str) -> None:
        """The same from YAML."""
        self("apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "-f", "-", text=text)

    def read(self, *arguments: str) -> Any:
        """What ``kubectl get`` gives, as Python values."""
        return json.loads(self("get", *arguments, "--output=json"))

    def wait_for(self, what: str, arguments: Sequence[str], timeout_s: float) -> None:
        """Repeat a command until it ends well. Raises NotReadyError when the time is over."""
        wait_until(what, lambda: self.succeeds(*arguments), timeout_s)

    def rolled_out(self, namespace: str, deployment: str, timeout_s: float) -> None:
        """Wait until every replica of a Deployment is there and ready."""
        space = f"--namespace={namespace}"
        done = self.attempt("rollout", "status", f"deployment/{deployment}", space, f"--timeout={timeout_s:.0f}s")
        if done.returncode:
            pods = self.attempt("get", "pods", space).stdout.strip()
            raise NotReadyError(
                f"deployment/{deployment} in {namespace} is not ready after {timeout_s:.0f} s: {done.stderr.strip()}",
                f"its namespace has: {pods}",
                f"see kubectl describe pods --namespace {namespace}",
            )

    def attempt(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command and give what came of it, good or bad."""
        words = [str(self.path), f"--kubeconfig={self.kubeconfig}", *arguments]
        return subprocess.run(words, input=text, capture_output=True, text=True, check=False)


def wait_until(what: str, holds: Callable[[], T | None], timeout_s: float, *, every_s: float = TICK_S) -> T:
    """Ask until it holds; gives what held, which may be over by then. Raises NotReadyError when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not (found := holds()):
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"{what} is not ready after {timeout_s:.0f} s",
                "a program failed, or the machine is busy",
                "see `cluster status` and `cluster logs`, then make cluster again",
            )
        time.sleep(every_s)
    return found
