"""The command of the cluster: what it says, and what a kill does to what it keeps."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
from infra.cluster.instance import Instance
from infra.cluster.kubectl import Kubectl, wait_until
from infra.cluster.program import Records
from infra.cluster.supervisor import RECORD

ROOT = Path(__file__).resolve().parents[2]
HEALS_S = 120
Figure = Callable[[str, Any], None]


def command(cluster: Instance, *words: str) -> str:
    """What a command prints."""
    line = [sys.executable, "-m", "infra.cluster", "--name", cluster.name, *words]
    return subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_a_shell_that_takes_over_the_variables_has_kubectl(cluster: Instance):
    script = f'eval "$({sys.executable} -m infra.cluster --name {cluster.name} env)"; kubectl get nodes --no-headers'
    done = subprocess.run(["bash", "-ec", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Ready" in done.stdout


def test_its_status_names_every_part_and_its_logs_can_be_read(cluster: Instance):
    assert "kube-apiserver" in command(cluster, "status")
    assert command(cluster, "logs", "kubelet-1").startswith("kubelet-1: ")


def test_a_command_runs_in_the_clusters_network(cluster: Instance):
    assert "10.89.0.1" in command(cluster, "exec", "ip", "-brief", "address")


@pytest.mark.takes("cluster")
@pytest.mark.parametrize("name", ["etcd", "coredns", "gateway"])
def test_a_program_that_is_killed_comes_back(cluster: Instance, kubectl: Kubectl, name: str, figure: Figure):
    records = Records(cluster.folder / "processes")
    before = records.find(name)
    assert before
    started = time.monotonic()
    before.signal(SIGKILL)
    wait_until(f"{name} again", lambda: records.find(name) not in (None, before), HEALS_S)
    wait_until("the API server", lambda: kubectl.succeeds("get", "--raw", "/readyz"), HEALS_S)
    figure("seconds_to_heal", time.monotonic() - started)


@pytest.mark.takes("cluster")
def test_a_killed_supervisor_is_replaced_by_the_same_command_which_starts_nothing_twice(
    cluster: Instance, kubectl: Kubectl, figure: Figure
):
    records = Records(cluster.folder / "processes")
    before, running = records.find(RECORD), records.find("kube-apiserver")
    assert before
    before.signal(SIGKILL)
    wait_until("its end", lambda: records.find(RECORD) is None, HEALS_S)
    assert kubectl.succeeds("get", "--raw", "/readyz"), "the cluster did not run on"
    started = time.monotonic()
    command(cluster, "up")
    figure("seconds_up", time.monotonic() - started)
    assert records.find(RECORD) not in (None, before)
    assert records.find("kube-apiserver") == running
    victim = records.find("coredns")
    assert victim
    victim.signal(SIGKILL)
    wait_until("coredns again", lambda: records.find("coredns") not in (None, victim), HEALS_S)
