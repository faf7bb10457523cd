"""The same load under Locust's own command and page: ``locust -f loadtests/src/carpal_loadtests/locustfile.py``.

    locust -f .../locustfile.py --scenario smoke --host http://127.0.0.1:8080 [--headless]

Locust's page then shows latencies from the intended start. The number of users has no meaning here, the schedule
sets the load. With several workers give each its part: ``--arrival-workers N`` beside ``--expect-workers N``.
A headless run of one process ends by itself; any other ends by the page or by ``--run-time``, which also covers the
drawing of phantoms. No verdict is made: that is what ``carpal load run`` is for.
"""

from __future__ import annotations

from typing import Any

from locust import events
from locust.runners import LocalRunner

from carpal_loadtests.job import Plan
from carpal_loadtests.payloads import gather
from carpal_loadtests.rows import Row
from carpal_loadtests.scenario import load_scenario
from carpal_loadtests.target import check
from carpal_loadtests.users import OpenUser, Sender


def _options(parser: Any) -> None:
    parser.add_argument("--scenario", default="smoke", help="YAML file, or the name of a shipped scenario")
    parser.add_argument("--model", default="", help="default: the scenario's, or the target's only one")
    parser.add_argument("--arrival-workers", type=int, default=1, help="processes that share the schedule")


class Scheduled(OpenUser):
    """Sends a scenario once."""

    fixed_count = 1

    def sender(self) -> Sender:
        """A sender for the scenario of the command line; rows are not kept."""
        options = self.environment.parsed_options
        scenario, base = load_scenario(options.scenario)
        target = check(self.environment.host, options.model or scenario.model)
        plan = Plan(scenario, target.url, target.model, gather(scenario.payloads, base), target.digest)
        return Sender(plan, _forget, self.environment.events.request.fire)

    def share(self) -> tuple[int, int]:
        """This process's part of the schedule."""
        workers = self.environment.parsed_options.arrival_workers
        return max(self.environment.runner.worker_index, 0) % workers, workers

    def sent(self) -> None:
        """End a run without page and workers by itself; with them, the page or ``--run-time`` ends it."""
        if self.environment.parsed_options.headless and isinstance(self.environment.runner, LocalRunner):
            self.environment.runner.quit()


def _one_user_a_worker(environment: Any, **_: Any) -> None:
    Scheduled.fixed_count = environment.parsed_options.arrival_workers


def _forget(row: Row) -> None:
    """Locust keeps the statistics here."""


_hooks: Any = events  # Locust leaves its hooks without types
_hooks.init_command_line_parser.add_listener(_options)
_hooks.init.add_listener(_one_user_a_worker)
