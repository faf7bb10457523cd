"""BentoML: a service whose one input is the body, which BentoML hands over as a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.validators import ContentType
from work import STREAMS, make

KIND = os.environ.get("PEER_KIND", "")


@bentoml.service(
    workers=1,
    threads=1 if KIND == "noop" else STREAMS,
    traffic={"timeout": 60, "max_concurrency": 100},
    metrics={"enabled": False},
    tracing={"sample_rate": 0.0},
    logging={"access": {"enabled": False}},
)
class Infer:
    """Threads of BentoML for what computes."""

    def __init__(self) -> None:
        self.work = make(KIND)

    @bentoml.api(route="/infer")
    def infer(
        self, image: Annotated[Path, ContentType("image/png")], /
    ) -> Annotated[bytes, ContentType("application/json")]:
        return self.work(image.read_bytes())


if __name__ == "__main__":
    os.environ |= {"PEER_KIND": sys.argv[1], "BENTOML_DO_NOT_TRACK": "True"}
    here = Path(__file__)
    command = [
        "serve",
        f"{here.stem}:Infer",
        "--working-dir",
        str(here.parent),
        "--host",
        "127.0.0.1",
        "--port",
        sys.argv[2],
    ]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", *command])
