"""The same load under Locust's own command and page: ``locust -f loadtests/src/carpal_loadtests/locustfile.py``.

    locust -f .../locustfile.py --scenario smoke --host http://127.0.0.1:8080 [--headless] [--processes 4] [--out DIR]

Locust's page, CSV and HTML then show latencies from the intended start. The number of users has no meaning here: every
process runs one, and the schedule sets the load. With several processes or machines (``--processes``, or ``--master``
with ``--expect-workers`` and ``--worker``) the master deals the schedule out. With ``--out`` it gathers every row and
comes to the verdict, files and exit code of ``carpal load run``. Machines must agree on the time to a few milliseconds.
A headless run ends by itself, one with a page by the page; ``--run-time`` would cut it short.
"""

from __future__ import annotations

from typing import Any

from locust import events

from carpal_loadtests.deal import OnePerProcess, leads, sends
from carpal_loadtests.gathering import Gathering
from carpal_loadtests.parts import PartSender
from carpal_loadtests.users import OpenUser, Sender


def _options(parser: Any) -> None:
    parser.add_argument("--scenario", default="smoke", help="YAML file, or the name of a shipped scenario")
    parser.add_argument("--model", default="", help="default: the scenario's, or the target's only one")
    parser.add_argument("--grpc", default="", help="HOST:PORT, for scenarios that speak gRPC")
    parser.add_argument("--namespace", default="", help="Kubernetes namespace whose replicas are recorded with --out")
    parser.add_argument("--kubeconfig", default="", help="default: $KUBECONFIG, or the account of this pod")
    parser.add_argument("--out", default="", help="new folder for result and rows; the exit code is then the verdict")


class Scheduled(OpenUser):
    """Sends this process's part of a scenario once."""

    part: PartSender
    """Set when Locust has made its runner."""

    def sender(self) -> Sender:
        """The sender of the plan that was made when the part was dealt."""
        return self.part.sender

    def share(self) -> tuple[int, int, float | None]:
        """As the master has dealt it."""
        return self.part.share()

    def sent(self) -> None:
        """Hand over what is left, and say so."""
        self.part.done()


def _join(environment: Any, runner: Any, **_: Any) -> None:
    environment.dispatcher_class = OnePerProcess
    if sends(runner):
        Scheduled.part = PartSender(environment, runner)
    if leads(runner):
        Gathering(environment, runner)


_hooks: Any = events  # Locust leaves its hooks without types
_hooks.init_command_line_parser.add_listener(_options)
_hooks.init.add_listener(_join)
