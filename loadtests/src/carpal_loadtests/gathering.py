"""The rows of a Locust run in the process that leads it: verdict, files and exit code of ``carpal load run``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gevent

from carpal.errors import CarpalError
from carpal_loadtests.cluster import Cluster, open_cluster
from carpal_loadtests.conservation import OnTheWay
from carpal_loadtests.deal import Master
from carpal_loadtests.generator import Measurement
from carpal_loadtests.job import Summary, together
from carpal_loadtests.machine import fingerprint
from carpal_loadtests.parts import setting_of
from carpal_loadtests.report import lines
from carpal_loadtests.result import conclude, refuse_taken, write_result
from carpal_loadtests.rows import COLUMNS, Row
from carpal_loadtests.scenario import load_scenario
from carpal_loadtests.telemetry import Telemetry
from carpal_loadtests.trial import make_folder, prepare, probes


class Gathering:
    """Deals each test out, gathers its rows, and judges it once.

    Args:
        environment: Locust's.
        runner: of this process.
    """

    def __init__(self, environment: Any, runner: Any) -> None:
        self._environment = environment
        self._runner = runner
        self._master = Master(runner, on_go=self._go, on_rows=self._take, on_done=self._done)
        self._out = Path(environment.parsed_options.out) if environment.parsed_options.out else None
        self._watching: Any = None
        self._clear()
        environment.events.test_start.add_listener(self._start)
        environment.events.quitting.add_listener(self._quitting)

    def _clear(self) -> None:
        self._rows: list[Row] = []
        self._seen: list[OnTheWay] = []
        self._zero_unix_s = 0.0
        self._telemetry: Telemetry | None = None
        self._cluster: Cluster | None = None
        self._open = False

    def _start(self, **_: Any) -> None:
        """A test begins: refuse early what would be refused in the end."""
        self._clear()
        try:
            if self._out is not None:
                refuse_taken(self._out)
                make_folder(self._out)
            scenario, base = load_scenario(self._environment.parsed_options.scenario)
            setting = setting_of(self._environment)
            self._plan, self._target = prepare(scenario, base, setting)
            self._cluster = open_cluster(setting.place) if setting.place else None
        except CarpalError as failure:
            self._end(failure.status.exit, str(failure))
            return
        self._telemetry = Telemetry(probes(setting, self._target, self._cluster) if self._out else ())
        self._master.deal()

    def _go(self, zero_unix_s: float) -> None:
        self._zero_unix_s, self._open = zero_unix_s, True
        if self._telemetry is not None:
            self._watching = self._telemetry.watching()
            self._watching.__enter__()

    def _take(self, told: Mapping[str, Any]) -> None:
        self._rows += [Row.parse(dict(zip(COLUMNS, fields, strict=True))) for fields in told["rows"]]
        self._seen.append(OnTheWay(told["worker"], told["at_s"], told["in_flight"]))

    def _done(self, summaries: list[str]) -> None:
        """Every part is over."""
        said = [Summary.parse_json(one.encode(), source="a load process") for one in summaries]
        self._conclude(together(said), interrupted=not all(one.finished for one in said))
        if self._environment.parsed_options.headless:
            gevent.spawn(self._runner.quit)

    def _quitting(self, **_: Any) -> None:
        """Locust ends before the run does: judge what is here."""
        if self._open:
            self._conclude(None, interrupted=True)

    def _conclude(self, summary: Summary | None, *, interrupted: bool) -> None:
        self._open = False
        self._watching.__exit__(None, None, None)
        if self._out is None:
            return
        assert self._telemetry is not None
        rows, samples = sorted(self._rows, key=lambda row: row.index), self._telemetry.samples
        measurement = Measurement(rows, summary, interrupted, self._seen, self._zero_unix_s)
        result = conclude(
            self._plan,
            self._target,
            measurement,
            fingerprint(),
            samples=samples,
            missed=self._telemetry.missed,
            events=self._cluster.events(self._zero_unix_s) if self._cluster else (),
            processes=self._master.workers,
        )
        try:
            write_result(result, rows, self._out, samples=samples, zero_unix_s=self._zero_unix_s)
        except CarpalError as failure:
            self._end(failure.status.exit, str(failure))
            return
        self._environment.process_exit_code = result.verdict.exit_code
        for line in lines(result):
            self._say(line)

    def _end(self, exit_code: int, why: str) -> None:
        self._say(why)
        self._environment.process_exit_code = exit_code
        gevent.spawn(self._runner.quit)

    @staticmethod
    def _say(text: str) -> None:
        logging.getLogger("carpal.load").info(text)
