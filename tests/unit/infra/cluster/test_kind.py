"""The provider kind gives kind's command the words that it takes, and keeps what comes of them.

kind itself needs Docker. In its place stands a program that has the options of the real one and answers as it did:
tests/data/kind.json, recorded of kind v0.33.0 with a `docker` that said what two nodes look like.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from infra.cluster.errors import ClusterError, InstanceError, MachineError
from infra.cluster.instance import Instance, Wish
from infra.cluster.kind import Kind
from infra.cluster.versions import read_versions

RECORDED = Path(__file__).resolve().parents[3] / "data/kind.json"
PROGRAM = """#!{python}
import json, sys
recorded = json.load(open({recorded!r}))
said = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps(said) + "\\n")
command = recorded[" ".join(said[:2])]
for word in said[2:]:
    if word.startswith("--") and word.partition("=")[0] not in command["options"]:
        sys.exit("ERROR: unknown flag: " + word.partition("=")[0])
sys.stdout.write(command["answer"])
"""
Calls = Callable[[], list[list[str]]]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What kind is called with."""
    log = tmp_path / "log"
    program = tmp_path / "bin/kind"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable, recorded=str(RECORDED), log=str(log)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return lambda: [json.loads(line) for line in log.read_text().splitlines()]


@pytest.fixture
def kind() -> Kind:
    return Kind(read_versions())


def quietly(_: str) -> None:
    """Nobody listens."""


def test_a_cluster_is_made_of_as_many_nodes_as_wished(kind: Kind, calls: Calls, tmp_path: Path):
    new = Instance("new", tmp_path / "new")
    kind.up(new, Wish(nodes=2), quietly)
    (create,) = [call for call in calls() if call[0] == "create"]
    assert f"--image={read_versions()['KIND_NODE']}" in create
    nodes = yaml.safe_load((new.folder / "kind.yaml").read_text())["nodes"]
    assert [node["role"] for node in nodes] == ["control-plane", "worker"]
    assert yaml.safe_load(new.kubeconfig.read_text())["clusters"]
    assert new.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert new.wish().nodes == 2


def test_one_that_is_there_is_taken_over(kind: Kind, calls: Calls, tmp_path: Path):
    there = Instance("dev", tmp_path / "dev")
    kind.up(there, Wish(nodes=2), quietly)
    assert "create" not in [call[0] for call in calls()]
    assert [part.name for part in kind.status(there)] == ["dev-control-plane", "dev-worker"]


def test_an_archive_reaches_every_node_and_the_end_leaves_nothing(kind: Kind, calls: Calls, tmp_path: Path):
    there = Instance("dev", tmp_path / "dev")
    kind.up(there, Wish(), quietly)
    kind.load(there, tmp_path / "images.tar")
    kind.down(there, quietly)
    assert ["load", "image-archive", str(tmp_path / "images.tar"), "--name=dev"] in calls()
    assert ["delete", "cluster", "--name=dev"] in calls()
    assert not there.folder.exists()


def test_profiles_are_refused_because_it_brings_nodes_alone(kind: Kind, tmp_path: Path):
    with pytest.raises(InstanceError, match="kind installs no ray"):
        kind.up(Instance("dev", tmp_path / "dev"), Wish(profiles=("ray",)), quietly)


def test_without_the_program_it_is_named(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="There is no `kind` on PATH"):
        kind.status(Instance("dev", tmp_path / "dev"))


def test_what_kind_refuses_is_said_in_its_words(kind: Kind, calls: Calls, tmp_path: Path):
    (tmp_path / "bin/kind").write_text("#!/bin/sh\necho 'ERROR: failed to list nodes' >&2\nexit 1\n")
    with pytest.raises(ClusterError, match="kind get nodes --name=dev: ERROR: failed to list nodes"):
        kind.status(Instance("dev", tmp_path / "dev"))
