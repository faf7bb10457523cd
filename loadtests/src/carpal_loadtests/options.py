"""Options that several commands of ``carpal load`` share, so that they mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FAILED, INVALID, INTERRUPTED = 1, 3, 130
"""Exit codes beside 0, done, and 2, bad input."""

Url = Annotated[str, typer.Option("--target", help="base URL of the service")]
Out = Annotated[Path, typer.Option(help="new folder for what is measured")]
Model = Annotated[str | None, typer.Option(help="default: the scenario's, or the target's only one")]
Grpc = Annotated[str | None, typer.Option(help="HOST:PORT, for scenarios that speak gRPC")]
Processes = Annotated[int, typer.Option(min=1, max=64, help="load processes that share the schedule, one a core")]
Metrics = Annotated[list[str] | None, typer.Option(help="URL to scrape once a second; default: TARGET/metrics")]
Namespace = Annotated[
    str | None, typer.Option(help="of Kubernetes: record replicas, autoscalers and events there meanwhile")
]
Kubeconfig = Annotated[Path | None, typer.Option(help="how that cluster is reached; default: as kubectl finds it")]
Json = Annotated[bool, typer.Option("--json", help="print the result as one JSON document")]
