"""Prometheus (Debian's) as a program of the first node, behind the Service `prometheus` in its own namespace."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from infra.cluster.addons.addon import Site
from infra.cluster.errors import MachineError
from infra.cluster.instance import written
from infra.cluster.kubectl import wait_until
from infra.cluster.objects import namespace, outside_service
from infra.cluster.program import Program, python_program

SPACE = "monitoring"
PORT = 9090
READY_S = 60.0
INTERVAL = "5s"
"""Short, so that a test of scaling waits for the scaler and not for the scrape."""


class Prometheus:
    """Scrapes every pod that asks for it by the annotations prometheus.io/scrape, port and path."""

    name = "prometheus"
    ports: Mapping[str, int] = {"prometheus": PORT}

    def programs(self, site: Site) -> Sequence[Program]:
        found = shutil.which("prometheus")
        if found is None:
            raise MachineError("There is no prometheus", "the profile keda needs it", "apt-get install prometheus")
        folder = site.instance.part("prometheus")
        targets = folder / "targets.json"
        config = written(folder / "prometheus.yaml", yaml.safe_dump(_config(targets)))
        words = [
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=1d",
        ]
        return [
            Program("prometheus", [found, *words, f"--web.listen-address=0.0.0.0:{PORT}"]),
            python_program("targets", "infra.cluster.targets", site.control.administrator(), targets),
        ]

    def install(self, site: Site) -> None:
        objects = outside_service("prometheus", SPACE, site.place.address, {"http": (PORT, PORT)})
        site.kubectl.apply(namespace(SPACE), *objects)

    def wait(self, site: Site) -> None:
        log = site.instance.logs / "prometheus.log"
        wait_until(
            "Prometheus", lambda: log.is_file() and "ready to receive" in log.read_text(errors="replace"), READY_S
        )


def _config(targets: Path) -> Mapping[str, object]:
    job = {"job_name": "pods", "file_sd_configs": [{"files": [str(targets)]}]}
    return {"global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL}, "scrape_configs": [job]}
