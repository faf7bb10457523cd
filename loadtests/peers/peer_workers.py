"""carpal serve --workers: as many processes as there are cores, with a job that answers a constant."""

from __future__ import annotations

import io
import os
import sys

from work import make

from carpal_detector import ports, workers
from carpal_detector.logs import make_logger
from carpal_detector.settings import Settings


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    body = make(kind)(b"")
    settings = Settings(port=port, grpc_port=0, isolate=False, engine="emulated:0", workers=os.cpu_count() or 1)
    with workers._metrics_folder(), ports.shared_ports(settings) as doors:
        import carpal_detector.inference
        import carpal_detector.server
        from carpal.records.record import Record
        from carpal_detector.reporting import Reported

        answer = Reported(Record.parse_json(body, source="the answer"), body)
        carpal_detector.inference.report_file = lambda *_: answer
        workers.Supervisor(settings, make_logger(io.StringIO()), doors).run()


if __name__ == "__main__":
    main()
