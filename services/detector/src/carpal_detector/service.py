"""Everything that one process holds, put together; nothing is found through globals, and nothing here has a socket."""

from __future__ import annotations

import gc

from prometheus_client import CollectorRegistry, ProcessCollector

from carpal.imaging.readers import Reader
from carpal_detector import families
from carpal_detector.account import Accounts
from carpal_detector.audit import Audit
from carpal_detector.budget import Budget
from carpal_detector.decoders import cores_of, open_reader
from carpal_detector.inference import Inference
from carpal_detector.lifecycle import Lifecycle
from carpal_detector.logs import Logger
from carpal_detector.metrics import Metrics
from carpal_detector.reception import Reception
from carpal_detector.reload import Follower
from carpal_detector.rest import Rest
from carpal_detector.rpc import Rpc
from carpal_detector.scheduler import Scheduler
from carpal_detector.served import Served, load
from carpal_detector.settings import Settings
from carpal_detector.terms import TermsReader
from carpal_detector.tracing import OtlpTracer


class Service:
    """The layers of one process.

    Args:
        settings: how it is set up.
        logger: hears what it does.
        reader: of files; the settings' own by default. It is closed with the service.

    Raises:
        TracingMissingError: traces were asked for, and their extra is not installed.
    """

    def __init__(self, settings: Settings, logger: Logger, reader: Reader | None = None) -> None:
        self.settings = settings
        self.logger = logger
        self.lifecycle = Lifecycle()
        share = settings.tenant_share if settings.tenant_header else 1.0
        self.scheduler = Scheduler(settings.streams or cores_of(settings), settings.queue, tenant_share=share)
        budget = Budget(settings.queue_bytes)
        terms = TermsReader(settings.deadline_ms, settings.tenant_header and settings.tenant_header.lower())
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.metrics = Metrics(registry)
        self._watch(budget)
        self.accounts = Accounts(
            self.metrics,
            Audit(settings.audit, self._audit_lost) if settings.audit else None,
            OtlpTracer() if settings.traces == "otlp" else None,
            logger if settings.access_log else None,
        )
        self.reader = reader or open_reader(settings)
        reception = Reception(
            lifecycle=self.lifecycle,
            scheduler=self.scheduler,
            inference=Inference(self.scheduler, self.metrics, reader=self.reader),
            accounts=self.accounts,
            budget=budget,
            terms=terms,
        )
        self.app = Rest(
            reception, logger, max_body_bytes=settings.max_body_bytes, body_timeout_s=settings.body_timeout_s
        ).app()
        self.rpc = Rpc(reception, logger)
        self.follower = Follower(
            settings,
            self.lifecycle,
            load=self.load_one,
            opened=self.opened,
            told=self.metrics.reloaded,
            logger=logger,
        )

    def load(self) -> list[Served]:
        """The models, warm, and the processes that read for them.

        Raises:
            CarpalError: of a package, the repository or the engine, whatever is wrong.
        """
        self.reader.start()  # its processes come up while the models load
        served = [self.load_one(reference) for reference in self.settings.model]
        self.reader.warm_up()
        # What was loaded stays: the collector need never look at it again.
        gc.collect()
        gc.freeze()
        return served

    def load_one(self, reference: str) -> Served:
        """One model, warm; raises as ``load``."""
        return load(self.settings, reference, self.metrics.batch, self.logger)

    def opened(self, *served: Served) -> None:
        """These models are warm: from now on the service is ready with them."""
        for one in served:
            self.metrics.serving(one.name, one.detector)
        self.scheduler.resize(max(one.streams for one in served))
        self.lifecycle.opened(*served)

    def close(self) -> None:
        """Let go of everything."""
        self.scheduler.close()
        self.reader.close()
        for served in self.lifecycle.models.values():
            served.detector.close()
        self.accounts.close()

    def _audit_lost(self, failure: OSError, again: bool) -> None:
        self.metrics.audit_lost()
        if not again:
            self.logger.error("audit not written", reason=failure.strerror)

    def _watch(self, budget: Budget) -> None:
        scheduler, settings = self.scheduler, self.settings
        self.metrics.watch(
            {
                families.READY: lambda: self.lifecycle.ready,
                families.QUEUE_DEPTH: lambda: scheduler.waiting,
                families.QUEUE_CAPACITY: lambda: settings.queue,
                families.QUEUE_BYTES: lambda: budget.held_bytes,
                families.QUEUE_CAPACITY_BYTES: lambda: budget.limit_bytes,
                families.STREAMS: lambda: scheduler.streams,
                families.STREAMS_BUSY: lambda: scheduler.running,
            }
        )
