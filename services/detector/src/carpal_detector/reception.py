"""What both wires do with a request for detection before anything is computed, whatever its form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from carpal_detector.account import Account, Accounts
from carpal_detector.budget import Budget, Lease
from carpal_detector.inference import Inference
from carpal_detector.lifecycle import Lifecycle
from carpal_detector.metrics import Metrics
from carpal_detector.scheduler import Scheduler
from carpal_detector.served import Served
from carpal_detector.statistics import statistics
from carpal_detector.terms import TermsReader

T = TypeVar("T")


class Reception:
    """Takes requests in, over collaborators that it is given.

    Attributes:
        lifecycle: the models, and whether they are ready.
        inference: runs what was taken in.
    """

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        scheduler: Scheduler,
        inference: Inference,
        accounts: Accounts,
        budget: Budget,
        terms: TermsReader,
    ) -> None:
        self.lifecycle = lifecycle
        self.inference = inference
        self._scheduler = scheduler
        self._accounts = accounts
        self._budget = budget
        self._terms = terms

    @property
    def metrics(self) -> Metrics:
        """What is told of requests."""
        return self._accounts.metrics

    def statistics(self, served: Served | None = None) -> list[dict[str, Any]]:
        """Triton's ``model_stats`` entries, of one model or of all."""
        collected = list(self.metrics.collect())
        asked = [served] if served else self.lifecycle.models.values()
        return [statistics(collected, one) for one in asked]

    def open(self, route: str, request_id: str, headers: Mapping[str, str]) -> Account:
        """An account of a request; as ``Accounts.open``."""
        return self._accounts.open(route, request_id, headers)

    def lease(self) -> Lease:
        """What a request will hold."""
        return self._budget.lease()

    def admit(
        self,
        account: Account,
        model: str,
        version: str | None,
        headers: Mapping[str, str],
        timeout_s: float | None = None,
    ) -> Served:
        """The model that is asked for, where there is room for another request; its account learns the terms.

        Args:
            account: of the request.
            model: name in the route.
            version: None or empty for whichever is served.
            headers: of the request.
            timeout_s: what the wire itself gives it; None: as long as it takes.

        Raises:
            NotReadyError, UnknownModelError: there is no such model.
            MalformedError: its terms cannot be read.
            CarpalError: there is no room, as ``Scheduler.expect_room`` says.
        """
        served = account.served = self.lifecycle.model(model, version)
        terms = account.terms = self._terms.read(headers).within(timeout_s)
        self._scheduler.expect_room(deadline_s=terms.deadline_s, tenant=terms.tenant)
        return served

    async def parsed(self, parse: Callable[[], T], *, short: bool) -> T:
        """What a body says; a long text is read on another thread, because the event loop never computes."""
        return parse() if short else await self._scheduler.aside(parse)
