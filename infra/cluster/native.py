"""The provider `native`: Kubernetes as processes of this machine, in namespaces of their own; needs root, no Docker."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from infra.cluster import cgroups, gomodule, machine
from infra.cluster.addons.addon import Addon, Site
from infra.cluster.catalogue import addons
from infra.cluster.controlplane import API_PORT, ControlPlane
from infra.cluster.engine import import_images, wait_for_engine
from infra.cluster.gateway import Forward, free_port
from infra.cluster.instance import Instance, Wish, instances
from infra.cluster.kubectl import Kubectl, wait_until
from infra.cluster.namespaces import release
from infra.cluster.network import Place, connect_first, connect_next
from infra.cluster.node import Node
from infra.cluster.program import ROOT, Process, Program, Records, python_program
from infra.cluster.provider import Part, Say
from infra.cluster.supervisor import RECORD, read_programs, write_programs
from infra.cluster.workshop import Workshop

API_READY_S = 90.0
NODE_READY_S = 90.0
END_S = 3.0
PREFERENCE = 4
"""A cluster counts as so many of the machine's other groups and sessions, and its own programs as so many nodes.

Without it a machine that is busy otherwise starves the control plane: leases run out, a node takes minutes to be ready.
"""


@dataclass(frozen=True)
class Native:
    """Brings clusters up from what the workshop has built."""

    workshop: Workshop

    def up(self, instance: Instance, wish: Wish, say: Say) -> None:
        machine.check(instance.folder.parent)
        started = time.monotonic()
        wish = _together(instance, wish)
        parts = addons(wish.profiles)
        wish = replace(wish, ports=_with_ports(instance, parts))
        archives = self.workshop.archives([part.name for part in parts])
        instance.remember(wish)
        cgroups.make(f"{_group(instance)}/system")
        cgroups.prefer(_group(instance), PREFERENCE)
        cgroups.prefer(f"{_group(instance)}/system", PREFERENCE)
        nodes = _nodes(instance, wish)
        _connect(nodes)
        control = self._control(instance)
        site = self._site(instance, control, wish)
        say(f"starting etcd, the control plane and {len(nodes)} node{'s' * (len(nodes) > 1)}")
        _supervise(instance, _programs(control, nodes, parts, site, wish))
        with ThreadPoolExecutor(len(nodes)) as pool:
            loading = [pool.submit(_load, node, archives) for node in nodes]
            site.kubectl.wait_for("the API server", ["get", "--raw", "/readyz"], API_READY_S)
            say(f"the API server is ready after {time.monotonic() - started:.0f} s")
            for future in loading:
                future.result()
        wait_until("every node", lambda: _ready_nodes(site.kubectl) >= len(nodes), NODE_READY_S)
        say(f"{len(nodes)} of {len(nodes)} nodes ready after {time.monotonic() - started:.0f} s")
        for part in parts:
            part.install(site)
        for part in parts:
            part.wait(site)
            say(f"{part.name} is ready after {time.monotonic() - started:.0f} s")

    def down(self, instance: Instance, say: Say) -> None:
        if not instance.folder.is_dir():
            return
        records = Records(instance.folder / "processes")
        names = [program.name for program in read_programs(instance.folder)] if instance.exists else []
        # The supervisor first, or it starts again what is ended; then kubelets, or they start pods again.
        order = [RECORD, *sorted(names, key=lambda name: (not name.startswith("kubelet"), name))]
        for name in order:
            process = records.find(name)
            if process and (name == RECORD or name.startswith("kubelet")):
                process.end(END_S)
        cgroups.end(_group(instance))
        for number in (2, 1):
            Node(instance, Place(number)).namespaces.remove()
        release(instance.folder / "namespaces")
        shutil.rmtree(instance.folder)
        say(f"{instance.name} is down: no process, mount, namespace, link or file of it is left")

    def status(self, instance: Instance) -> Sequence[Part]:
        records = Records(instance.folder / "processes")
        names = [RECORD, *(program.name for program in read_programs(instance.folder))]
        found = [_part(instance, name, records.find(name)) for name in names]
        kubectl = Kubectl(self.workshop.tools.path("kubectl"), instance.kubeconfig)
        answer = kubectl.attempt("get", "nodes", "--no-headers")
        nodes = [line.split() for line in answer.stdout.splitlines()]
        return [*found, *(Part(words[0], words[1], f"Kubernetes {words[4]}") for words in nodes)]

    def load(self, instance: Instance, archive: Path) -> None:
        for node in _nodes(instance, instance.wish()):
            import_images(node.socket, archive)

    def inside(self, instance: Instance, words: Sequence[str]) -> list[str]:
        return Node(instance, Place(1)).namespaces.inside(words)

    def _control(self, instance: Instance) -> ControlPlane:
        return ControlPlane(instance, Place(1), self.workshop.tools.path)

    def _site(self, instance: Instance, control: ControlPlane, wish: Wish) -> Site:
        kubeconfig = control.write_outer_kubeconfig(wish.ports["api"])
        kubectl = Kubectl(self.workshop.tools.path("kubectl"), kubeconfig)
        tools = self.workshop.tools
        return Site(
            instance, control.place, control, kubectl, self.workshop.versions, tools.path, gomodule.module_folder,
            self.workshop.cache,
        )  # fmt: skip


def _group(instance: Instance) -> str:
    return f"carpal-{instance.name}"


def _nodes(instance: Instance, wish: Wish) -> list[Node]:
    return [Node(instance, Place(number)) for number in range(1, wish.nodes + 1)]


def _connect(nodes: Sequence[Node]) -> None:
    """Groups, namespaces and links of all nodes, where they are missing."""
    first, *others = nodes
    for node in nodes:
        cgroups.make(node.group)
        node.namespaces.make(node.own())
    connect_first(first.namespaces, first.place)
    for node in others:
        before = [other.place for other in nodes if other.place.number < node.place.number]
        connect_next(first.namespaces, node.namespaces, node.place, before)


def _programs(
    control: ControlPlane, nodes: Sequence[Node], parts: Sequence[Addon], site: Site, wish: Wish
) -> list[Program]:
    """Everything that the supervisor keeps running, in the order of its start."""
    first = nodes[0]
    inside = first.namespaces.inside
    found = control.programs(inside)
    for node in nodes:
        found += node.programs(control)
    for part in parts:
        found += [replace(program, command=inside(program.command)) for program in part.programs(site)]
    inner = {"api": API_PORT, **{name: port for part in parts for name, port in part.ports.items()}}
    forwards = [Forward(wish.ports[name], first.place.address, port) for name, port in inner.items()]
    network = first.namespaces.network
    return [*found, python_program("gateway", "infra.cluster.gateway", network, *forwards)]


def _together(instance: Instance, wish: Wish) -> Wish:
    """What is asked for now and what was asked for before: bringing up takes nothing away."""
    if not instance.exists:
        return wish
    before = instance.wish()
    profiles = tuple(dict.fromkeys([*before.profiles, *wish.profiles]))
    return replace(wish, nodes=max(before.nodes, wish.nodes), profiles=profiles)


def _with_ports(instance: Instance, parts: Sequence[Addon]) -> dict[str, int]:
    """A port of this machine for each service that people reach; those that the cluster has it keeps."""
    ports = dict(instance.wish().ports) if instance.exists else {}
    taken = [port for other in instances() for port in other.wish().ports.values()]
    for name in ["api", *(name for part in parts for name in part.ports)]:
        if name not in ports:
            ports[name] = free_port([*taken, *ports.values()])
    return ports


def _supervise(instance: Instance, programs: Sequence[Program]) -> None:
    """Tell the supervisor what to run; start one where none is alive."""
    instance.logs.mkdir(parents=True, exist_ok=True)
    write_programs(instance.folder, programs)
    alive = Records(instance.folder / "processes").find(RECORD)
    if alive:
        alive.signal(signal.SIGHUP)
        return
    command = [sys.executable, "-m", "infra.cluster.supervisor", str(instance.folder), f"{_group(instance)}/system"]
    with (instance.logs / f"{RECORD}.log").open("ab") as log:
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _load(node: Node, archives: Sequence[Path]) -> None:
    wait_for_engine(node.socket)
    for archive in archives:
        import_images(node.socket, archive)


def _ready_nodes(kubectl: Kubectl) -> int:
    answer = kubectl.attempt("get", "nodes", "--no-headers")
    return sum(line.split()[1] == "Ready" for line in answer.stdout.splitlines())


def _part(instance: Instance, name: str, process: Process | None) -> Part:
    log = instance.logs / f"{name}.log"
    return Part(name, "running", f"process {process.pid}, {log}") if process else Part(name, "ended", str(log))
