"""The command line: `python -m infra.cluster up | down | status | logs | check | build | base | load | exec | env`."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from carpal.errors import CarpalError
from infra.cluster import machine
from infra.cluster.catalogue import PROFILES
from infra.cluster.errors import InstanceError
from infra.cluster.instance import Instance, Wish, instance
from infra.cluster.kind import Kind
from infra.cluster.native import Native
from infra.cluster.provider import Provider
from infra.cluster.workshop import workshop

INTERRUPTED = 130
LAST_LINES = 40
Command = Callable[[argparse.Namespace], int]


def say(text: str) -> None:
    """One line of talk, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def tell(text: str) -> None:
    """A result, on stdout."""
    sys.stdout.write(text + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code: 0 done, 1 a check failed, 2 bad input or machine, 130 interrupted."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except CarpalError as failure:
        say(str(failure))
        return failure.status.exit
    except KeyboardInterrupt:
        say("interrupted; what is up stays up: the same command goes on, `make cluster-down` takes all down")
        return INTERRUPTED


def up(options: argparse.Namespace) -> int:
    """Have the cluster."""
    found = instance(options.name)
    with alone(found):
        _provider(options).up(found, Wish(options.nodes, tuple(options.profile)), say)
    say(f"{found.name} is up. Next: export KUBECONFIG={found.kubeconfig} and kubectl, or `cluster env` for all of it.")
    return 0


def down(options: argparse.Namespace) -> int:
    """Leave nothing of the cluster."""
    found = instance(options.name)
    if not found.folder.is_dir():
        say(f"{found.name} is down already")
        return 0
    with alone(found):
        _provider(options).down(found, say)
    return 0


def status(options: argparse.Namespace) -> int:
    """Print every part and whether it runs; the exit code says whether all do."""
    found = instance(options.name)
    found.wish()
    parts = _provider(options).status(found)
    if options.json:
        tell(json.dumps([asdict(part) for part in parts], indent=2))
    else:
        width = max(len(part.name) for part in parts)
        tell("\n".join(f"{part.name:{width}}  {part.state:8}  {part.detail}" for part in parts))
    return 0 if all(part.state in ("running", "Ready") for part in parts) else 1


def logs(options: argparse.Namespace) -> int:
    """Print the last lines of the logs of one program, or of all."""
    found = instance(options.name)
    found.wish()
    paths = sorted(found.logs.glob(f"{options.program or '*'}.log"))
    if not paths:
        known = ", ".join(path.stem for path in sorted(found.logs.glob("*.log")))
        raise InstanceError(f"There is no log of {options.program!r}", f"there are {known}", "name one of them")
    for path in paths:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-options.lines :]
        tell("\n".join(f"{path.stem}: {line}" for line in lines))
    return 0


def build(options: argparse.Namespace) -> int:
    """Build what is missing."""
    workshop().build(options.tool, say)
    return 0


def check(options: argparse.Namespace) -> int:
    """Say whether this machine can hold a cluster, and what it lacks."""
    machine.check(instance(options.name).folder.parent)
    say("this machine can hold a cluster")
    return 0


def base(_options: argparse.Namespace) -> int:
    """Print where the base image is as an OCI archive, for buildah to pull."""
    tell(str(workshop().base_file))
    return 0


def load(options: argparse.Namespace) -> int:
    """Have an image archive on every node."""
    found = instance(options.name)
    found.wish()
    _provider(options).load(found, options.archive)
    return 0


def enter(options: argparse.Namespace) -> int:
    """Become a command that runs where the cluster's addresses can be reached."""
    found = instance(options.name)
    found.wish()
    words = _provider(options).inside(found, options.words)
    os.execvp(words[0], words)


def env(options: argparse.Namespace) -> int:
    """Print lines for a shell to evaluate: KUBECONFIG, the ports, and the built programs on PATH."""
    found = instance(options.name)
    ports = {f"CARPAL_{name.upper()}_PORT": str(port) for name, port in found.wish().ports.items()}
    folders = dict.fromkeys(str(path.parent) for path in workshop().tools.paths().values())
    variables = {"KUBECONFIG": str(found.kubeconfig), **ports, "PATH": ":".join([*folders, "$PATH"])}
    tell("\n".join(f'export {name}="{value}"' for name, value in variables.items()))
    return 0


@contextmanager
def alone(found: Instance) -> Iterator[None]:
    """Hold a cluster for this process; the kernel lets go of it however the process ends.

    Raises InstanceError where another process holds it.
    """
    found.folder.parent.mkdir(parents=True, exist_ok=True)
    with found.folder.with_name(f".{found.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            raise InstanceError(
                f"Another process is at work on {found.name}", "two would undo each other's work", "wait for it"
            ) from held
        yield


def _provider(options: argparse.Namespace) -> Provider:
    shop = workshop()
    return Kind(shop.versions) if options.provider == "kind" else Native(shop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cluster", description="A real Kubernetes on this machine, from nothing.")
    parser.add_argument(
        "--name", default=os.environ.get("CLUSTER", "carpal"), help="which cluster; $CLUSTER, or carpal"
    )
    parser.add_argument("--provider", choices=("native", "kind"), default="native", help="how it is brought up")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=text, description=command.__doc__)
        found.set_defaults(command=command)
        return found

    found = add("up", up, "bring the cluster up, or what is missing of it")
    found.add_argument("--nodes", type=int, choices=(1, 2), default=1, help="how many nodes")
    found.add_argument("--profile", action="append", default=[], choices=tuple(PROFILES), help="install more")
    add("down", down, "take the cluster down and leave nothing of it")
    add("status", status, "say which parts run").add_argument("--json", action="store_true", help="for a machine")
    found = add("logs", logs, "print the end of the logs")
    found.add_argument("program", nargs="?", help="of one program; of all by default")
    found.add_argument("--lines", type=int, default=LAST_LINES, help="how many lines of each")
    add("build", build, "build what is missing").add_argument("tool", nargs="*", help="these programs alone")
    add("check", check, "say whether this machine can hold a cluster")
    add("base", base, "print where the base image is")
    add("load", load, "have an image archive on every node").add_argument("archive", type=Path)
    add("exec", enter, "run a command in the cluster's network").add_argument("words", nargs=argparse.REMAINDER)
    add("env", env, "print the variables for a shell")
    return parser
