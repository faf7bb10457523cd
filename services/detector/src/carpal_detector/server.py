"""One process: REST on uvicorn and gRPC on grpc.aio in one event loop, from the first bound port to the last answer."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
import uvloop
from prometheus_client import CollectorRegistry, ProcessCollector

from carpal.imaging.isolation import IsolatedReader
from carpal.imaging.limits import patient_salt
from carpal.imaging.readers import DirectReader
from carpal.machine import usable_cores
from carpal_detector import families, metadata
from carpal_detector.budget import Budget
from carpal_detector.inference import Inference
from carpal_detector.lifecycle import Lifecycle, Phase
from carpal_detector.logs import Bridge, Logger
from carpal_detector.metrics import Metrics
from carpal_detector.rest import Rest
from carpal_detector.rpc import Rpc, open_server
from carpal_detector.scheduler import Scheduler
from carpal_detector.served import Served, load
from carpal_detector.settings import Settings
from carpal_detector.sockets import expect_free, listen, port_of
from carpal_detector.terms import TermsReader

# Longer than a proxy keeps an idle connection (Envoy and nginx: 60 s), so that the proxy closes it and not we under it.
KEEP_ALIVE_S = 75


class Service:
    """Everything that one process holds, put together; nothing is found through globals."""

    def __init__(self, settings: Settings, logger: Logger) -> None:
        self.settings = settings
        self.logger = logger
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.lifecycle = Lifecycle()
        share = settings.tenant_share if settings.tenant_header else 1.0
        streams = settings.streams or usable_cores()
        self.scheduler = Scheduler(streams, settings.queue, tenant_share=share)
        budget = Budget(settings.queue_bytes)
        terms = TermsReader(settings.deadline_ms, settings.tenant_header and settings.tenant_header.lower())
        self.metrics = Metrics(registry)
        self._watch(budget)
        salt = patient_salt(os.environ)
        decoders = min(streams, usable_cores())
        self.isolated = IsolatedReader(workers=decoders, patient_salt=salt) if settings.isolate else None
        reader = self.isolated or DirectReader(patient_salt=salt)
        inference = Inference(self.scheduler, self.metrics, reader=reader)
        self.app = Rest(
            lifecycle=self.lifecycle,
            scheduler=self.scheduler,
            inference=inference,
            metrics=self.metrics,
            budget=budget,
            terms=terms,
            logger=logger,
            max_body_bytes=settings.max_body_bytes,
            body_timeout_s=settings.body_timeout_s,
        ).app()
        self.rpc = Rpc(
            lifecycle=self.lifecycle,
            scheduler=self.scheduler,
            inference=inference,
            metrics=self.metrics,
            budget=budget,
            terms=terms,
            logger=logger,
        )

    async def run(self) -> bool:
        """Bind, answer probes, load, serve, and drain after the first signal; false where the drain took too long.

        Raises:
            CarpalError: a port, the package or the engine stands against it; nothing is left running then.
        """
        settings = self.settings
        with _without(settings.port_file):
            http = listen(settings.host, settings.port, option="--port")
            try:
                expect_free(settings.host, settings.grpc_port, option="--grpc-port")
                grpc, grpc_port = await open_server(
                    self.rpc, settings.host, settings.grpc_port, max_message_bytes=settings.max_body_bytes
                )
            except BaseException:
                http.close()
                raise
            ports = {"http": port_of(http), "grpc": grpc_port, "pid": os.getpid()}
            self.logger.info("bound", host=settings.host, **ports)
            rest = _Uvicorn(_config(self.app, drain_s=settings.drain_s))
            serving = asyncio.create_task(rest.serve(sockets=[http]))
            await grpc.start()
            stop = _first_signal()
            try:
                drained = await self._serve(stop, ports)
            finally:
                await grpc.stop(settings.drain_s)
                rest.should_exit = True
                await serving
                self.scheduler.close()
                if self.isolated is not None:
                    self.isolated.close()
                for served in self.lifecycle.models.values():
                    served.detector.close()
            self.logger.info("ended", drained=drained)
            return drained

    async def _serve(self, stop: asyncio.Event, ports: dict[str, int]) -> bool:
        """From loading to drained, or not drained in time."""
        loading = asyncio.create_task(asyncio.to_thread(self._load))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            self._ready(await loading, ports)
            await self.rpc.tell_health()
        await stopping
        if not self.lifecycle.ready:
            return True
        self.lifecycle.phase = Phase.LINGERING
        await self.rpc.tell_health()
        self.logger.info("lingering", seconds=self.settings.linger_s)
        await asyncio.sleep(self.settings.linger_s)
        self.lifecycle.phase = Phase.DRAINING
        self.scheduler.stop_admission()
        drained = await self.scheduler.drained(self.settings.drain_s)
        if not drained:
            self.scheduler.abandon()
        return drained

    def _load(self) -> list[Served]:
        """The models, and the processes that read for them."""
        served = [load(self.settings, reference, self.metrics.batch, self.logger) for reference in self.settings.model]
        if self.isolated is not None:
            self.isolated.warm_up()
        return served

    def opened(self, *served: Served) -> None:
        """The models are warm: from now on the service is ready."""
        for one in served:
            self.metrics.serving(one.name, one.detector)
        if self.settings.streams is None:
            self.scheduler.resize(max(one.streams for one in served))
        self.lifecycle.opened(*served)

    def _ready(self, served: list[Served], ports: dict[str, int]) -> None:
        # What was loaded stays: the collector need never look at it again.
        gc.collect()
        gc.freeze()
        self.opened(*served)
        if self.settings.port_file is not None:
            _write(self.settings.port_file, ports)
        settings = self.settings
        self.logger.info(
            "ready",
            models=[{**metadata.about(one), "batch": one.batch} for one in served],
            streams=self.scheduler.streams,
            queue=settings.queue,
            loop=type(asyncio.get_running_loop()).__module__,
            **ports,
        )

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


def serve(settings: Settings, logger: Logger) -> None:
    """Serve until a signal ends it; raises as ``Service.run``."""
    with _bridged(logger), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        drained = runner.run(_main(settings, logger))
    if not drained:
        # A stuck engine holds a thread that Python would wait for; the time to wait is over.
        os._exit(1)


async def _main(settings: Settings, logger: Logger) -> bool:
    return await Service(settings, logger).run()


class _Uvicorn(uvicorn.Server):
    """Leaves signals alone: the service has its own way of ending."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _config(app: object, *, drain_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's own ASGI types are narrower than starlette's
        http="httptools",
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(drain_s)),
    )


def _first_signal() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def first() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, first)
    return stop


@contextmanager
def _without(port_file: Path | None) -> Iterator[None]:
    """The file with the ports exists only while they answer."""
    if port_file is None:
        yield
        return
    port_file.unlink(missing_ok=True)
    try:
        yield
    finally:
        port_file.unlink(missing_ok=True)


def _write(path: Path, ports: dict[str, int]) -> None:
    """Write whole or not at all."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        json.dump(ports, file)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


@contextmanager
def _bridged(logger: Logger) -> Iterator[None]:
    """Warnings of uvicorn and asyncio go to our log, as JSON."""
    bridge = Bridge(logger)
    libraries = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio", "grpc")]
    for library in libraries:
        library.addHandler(bridge)
        library.propagate = False
    try:
        yield
    finally:
        for library in libraries:
            library.removeHandler(bridge)
            library.propagate = True
