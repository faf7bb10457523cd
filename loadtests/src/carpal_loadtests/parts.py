"""What one of Locust's processes sends: its part of the plan, with the rows on their way to the master."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gevent

from carpal_loadtests.cluster import Place
from carpal_loadtests.deal import Worker
from carpal_loadtests.plan import Plan
from carpal_loadtests.rows import Row
from carpal_loadtests.scenario import load_scenario
from carpal_loadtests.trial import Setting, prepare
from carpal_loadtests.users import Sender, summarise

REPORT_S = 0.5


def plan_of(environment: Any) -> Plan:
    """The plan that Locust's command line asks for."""
    return prepare(*load_scenario(environment.parsed_options.scenario), setting_of(environment))[0]


def setting_of(environment: Any) -> Setting:
    """Where its load goes."""
    options = environment.parsed_options
    kubeconfig = Path(options.kubeconfig) if options.kubeconfig else None
    place = Place(options.namespace, kubeconfig) if options.namespace else None
    return Setting(environment.host or "", options.model or None, options.grpc or None, place=place)


class PartSender:
    """Makes the plan when the master deals, sends when it says go, and hands rows over twice a second.

    Args:
        environment: Locust's.
        runner: of this process.
    """

    def __init__(self, environment: Any, runner: Any) -> None:
        self._environment = environment
        self._worker = Worker(runner, self._prepare)
        self._rows: list[Row] = []
        self._reporter: Any = None
        self.sender: Sender
        """Of the plan that was made last."""

    def share(self) -> tuple[int, int, float | None]:
        """Wait for the word to go."""
        share = self._worker.share()
        self._reporter = gevent.spawn(self._report)
        return share

    def done(self) -> None:
        """Hand over the last rows and the summary."""
        if self._reporter is not None:
            self._reporter.kill()
            self._reporter = None
            self._hand_over()
            self._worker.send_done(summarise(self.sender).to_json().decode())

    def _prepare(self) -> None:
        self._rows = []
        # Without a folder for the result, Locust's own statistics are all that is wanted.
        record = self._rows.append if self._environment.parsed_options.out else _forget
        self.sender = Sender(plan_of(self._environment), record, self._environment.events.request.fire)

    def _report(self) -> None:
        while True:
            gevent.sleep(REPORT_S)
            self._hand_over()

    def _hand_over(self) -> None:
        at_s, in_flight = self.sender.elapsed_s(), self.sender.in_flight
        rows, self._rows[:] = list(self._rows), []
        self._worker.send_rows(rows, at_s, in_flight)


def _forget(row: Row) -> None:
    """Locust keeps the statistics."""
