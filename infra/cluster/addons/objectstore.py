"""An S3 server: SeaweedFS as a program of the first node, behind the Service `s3` in the namespace `storage`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.cluster.addons.addon import Site
from infra.cluster.instance import written
from infra.cluster.kubectl import wait_until
from infra.cluster.objects import namespace, outside_service
from infra.cluster.program import Program
from infra.cluster.wheels import command

SPACE = "storage"
PORT = 8333
ACCESS_KEY = "carpal-test"
SECRET_KEY = "carpal-test-secret"
"""Of a server that nothing outside this machine can reach."""

READY_S = 60.0
VOLUME_LIMIT_MB = 1024


def with_own_tmp(folder: Path, words: Sequence[str]) -> list[str]:
    """The command that runs these words with a folder in the place of /tmp.

    SeaweedFS keeps its sockets in /tmp, named by port alone: a second cluster would talk to the first one's volumes.
    """
    script = 'mount --bind "$0" /tmp && exec "$@"'
    return ["unshare", "--mount", "--propagation=private", "sh", "-c", script, str(folder), *words]


class ObjectStore:
    """SeaweedFS with its master, volume server, filer and S3 gateway in one process."""

    name = "s3"
    ports: Mapping[str, int] = {"s3": PORT}

    def programs(self, site: Site) -> Sequence[Program]:
        folder = site.instance.part("s3")
        credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
        rights = ["Admin", "Read", "Write", "List", "Tagging"]
        identities = {"identities": [{"name": "carpal", "credentials": credentials, "actions": rights}]}
        config = written(folder / "identities.json", json.dumps(identities), 0o600)
        data = site.instance.part("s3/data")
        words = [
            str(command(site.cache, "weed")),
            "-logtostderr",
            "server",
            f"-ip={site.place.address}",
            "-ip.bind=0.0.0.0",
            f"-dir={data}",
            "-s3",
            f"-s3.port={PORT}",
            f"-s3.config={config}",
            f"-master.volumeSizeLimitMB={VOLUME_LIMIT_MB}",
            "-master.telemetry=false",
            "-volume.max=50",
            # The port that SeaweedFS takes for the filer by itself is one that tests of services like to use.
            "-filer.port=18888",
            "-volume.port=18080",
        ]
        return [Program("s3", with_own_tmp(site.instance.part("s3/tmp"), words))]

    def install(self, site: Site) -> None:
        objects = outside_service("s3", SPACE, site.place.address, {"http": (80, PORT)})
        site.kubectl.apply(namespace(SPACE), *objects)

    def wait(self, site: Site) -> None:
        log = site.instance.logs / "s3.log"
        wait_until(
            "S3", lambda: log.is_file() and "Start Seaweed S3 API Server" in log.read_text(errors="replace"), READY_S
        )
