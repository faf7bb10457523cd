"""Builds a recipe with the Go command, in a module of its own that repeats the replacements of the one it builds.

`go install MODULE@VERSION` refuses a module whose go.mod replaces or excludes anything, as those of Kubernetes, KServe
and KEDA do. A replacement by a folder of the same repository (`k8s.io/api => ./staging/src/k8s.io/api`) is one by the
module that is published from that folder: where the requirement names a true version (etcd) nothing need be replaced.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.cluster.errors import BuildError, MachineError
from infra.cluster.recipes import SMALL, Recipe

UNPUBLISHED = "v0.0.0"
"""What Kubernetes requires of its own parts, which only its replacements make true."""

NICENESS = 5
"""A build takes every core for minutes: what a person does meanwhile goes first."""


def toolchain() -> str:
    """The version of the Go command, such as ``go1.26.8``. Raises MachineError where there is none."""
    try:
        return _go(["env", "GOVERSION"], Path.cwd()).strip()
    except FileNotFoundError as missing:
        raise MachineError(
            "There is no `go` on PATH",
            "the cluster's programs are built from Go modules",
            "install Go 1.26 or newer, then run make cluster-build again",
        ) from missing


def module_folder(module: str, version: str) -> Path:
    """Where a module's files are, fetched if need be: manifests and charts that its project publishes."""
    said = json.loads(_go(["mod", "download", "-json", f"{module}@{version}"], Path.cwd()))
    return Path(said["Dir"])


def build(recipe: Recipe, work: Path, output: Path, log: Path) -> None:
    """Build every command of the recipe.

    Args:
        recipe: what to build.
        work: an empty folder for the go.mod that asks for it.
        output: the folder that gets the binaries.
        log: a file that gets what the Go command says.

    Raises BuildError with the end of the log.
    """
    upstream = json.loads(_go(["mod", "download", "-json", f"{recipe.module}@{recipe.version}"], work))
    declared = json.loads(_go(["mod", "edit", "-json", upstream["GoMod"]], work))
    (work / "go.mod").write_text(requirement(recipe, declared), encoding="utf-8")
    flags = " ".join([*SMALL, *(f"-X {name}={value}" for name, value in recipe.variables.items())])
    for name, package in recipe.commands.items():
        path = f"{recipe.module}/{package}" if package else recipe.module
        _logged(["build", "-mod=mod", "-trimpath", f"-ldflags={flags}", "-o", str(output / name), path], work, log)


def requirement(recipe: Recipe, declared: Mapping[str, Any]) -> str:
    """A go.mod that requires the recipe's module, under the replacements and exclusions that it was released with."""
    lines = ["module build", f"go {declared['Go']}", f"require {recipe.module} {recipe.version}"]
    required = {entry["Path"]: entry["Version"] for entry in declared.get("Require") or []}
    for entry in declared.get("Replace") or []:
        old, new = entry["Old"], entry["New"]
        if "Version" in new:
            lines.append(f"replace {old['Path']} {old.get('Version', '')} => {new['Path']} {new['Version']}")
        elif required.get(old["Path"]) == UNPUBLISHED:
            lines.append(f"replace {old['Path']} => {_published(old['Path'], recipe.version)}")
    lines += [f"exclude {entry['Path']} {entry['Version']}" for entry in declared.get("Exclude") or []]
    return "\n".join(lines) + "\n"


def _published(module: str, version: str) -> str:
    """The module that is published from a folder of the same repository: v0.34.4 is that of Kubernetes v1.34.4."""
    return f"{module} v0.{version.partition('.')[2]}"


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}


def _go(arguments: Sequence[str], folder: Path) -> str:
    done = subprocess.run(
        ["go", *arguments], cwd=folder, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise _failed(arguments, done.stderr or done.stdout)
    return done.stdout


def _logged(arguments: Sequence[str], folder: Path, log: Path) -> None:
    with log.open("ab") as stream:
        command = ["nice", "-n", str(NICENESS), "go", *arguments]
        done = subprocess.run(command, cwd=folder, env=_environment(), stdout=stream, stderr=stream, check=False)
    if done.returncode:
        raise _failed(arguments, log.read_text(encoding="utf-8", errors="replace"))


def _failed(arguments: Sequence[str], said: str) -> BuildError:
    return BuildError(
        f"`go {' '.join(arguments)}` failed: {' / '.join(said.strip().splitlines()[-4:])}",
        "the module is not served here, the disk is full, or this Go is too old for it",
        "see the message; what was built stays, and make cluster-build goes on from there",
    )
