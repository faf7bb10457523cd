"""One process: REST on uvicorn and gRPC on grpc.aio in one event loop, from the first bound port to the last answer."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import resource
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn
import uvloop

from carpal.imaging.readers import Reader
from carpal_detector import metadata, ports
from carpal_detector.connections import Connection, ConnectionLimits
from carpal_detector.lifecycle import Phase
from carpal_detector.logs import Bridge, Logger
from carpal_detector.ports import Ports
from carpal_detector.rpc import open_server
from carpal_detector.served import Served
from carpal_detector.service import Service
from carpal_detector.settings import Settings

# Longer than a proxy keeps an idle connection (balancers of Google 600 s, of Oracle 300; Traefik 90; nginx 60), so that
# the proxy closes it and not we, while a request that it will not send twice is on the way.
KEEP_ALIVE_S = 620
# How often a worker writes its gauges, so that whoever is asked knows them.
REFRESH_S = 1.0

# More than an ordinary image or tensor takes.
KEPT_BYTES = 8 * 2**20
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h

Answer = Callable[[], Awaitable[None]]


class Process:
    """A service with its sockets.

    Args:
        service: the layers.
        doors: what it listens on.
        ready: is told the ports, once requests are welcome.
    """

    def __init__(self, service: Service, doors: Ports, ready: Callable[[dict[str, int]], None]) -> None:
        self._service = service
        self._settings = service.settings
        self._logger = service.logger
        self._doors = doors
        self._ready = ready

    async def run(self) -> bool:
        """Answer probes, load, serve, and drain after the first signal; false where the drain took too long.

        A worker among several answers nothing before it is ready: its fellows do.

        Raises:
            CarpalError: a port, the package or the engine stands against it; nothing is left running then.
        """
        settings, doors, service = self._settings, self._doors, self._service
        stop = _first_signal()
        grpc, grpc_port = await open_server(
            service.rpc, doors.host, doors.grpc, max_message_bytes=settings.max_body_bytes, shared=doors.shared
        )
        told = doors.told(grpc_port, os.getpid())
        rest = _Uvicorn(_config(service.app, settings))
        serving: list[asyncio.Task[None]] = []
        refreshing = asyncio.create_task(self._refresh()) if doors.shared else None

        async def answer() -> None:
            serving.append(asyncio.create_task(rest.serve(sockets=[doors.http])))
            await grpc.start()

        self._logger.info("bound", host=settings.host, **told)
        try:
            if not doors.shared:
                await answer()
            return await self._serve(stop, told, answer if doors.shared else None)
        finally:
            await grpc.stop(settings.drain_s)
            rest.should_exit = True
            await asyncio.gather(*serving)
            if refreshing is not None:
                refreshing.cancel()
            service.close()

    async def _serve(self, stop: asyncio.Event, told: dict[str, int], answer: Answer | None) -> bool:
        """From loading to drained, or not drained in time."""
        service, lifecycle, settings = self._service, self._service.lifecycle, self._settings
        loading = asyncio.create_task(asyncio.to_thread(service.load))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            return True
        await self._open(await loading, told, answer)
        following = asyncio.create_task(service.follower.run())
        await stopping
        following.cancel()
        lifecycle.phase = Phase.LINGERING
        await service.rpc.tell_health()
        self._logger.info("lingering", seconds=settings.linger_s)
        await asyncio.sleep(settings.linger_s)
        lifecycle.phase = Phase.DRAINING
        service.scheduler.stop_admission()
        drained = await service.scheduler.drained(settings.drain_s)
        if not drained:
            service.scheduler.abandon()
        self._logger.info("ended", drained=drained)
        return drained

    async def _open(self, served: list[Served], told: dict[str, int], answer: Answer | None) -> None:
        service = self._service
        service.opened(*served)
        await service.rpc.tell_health()
        if answer is not None:
            await answer()
        self._ready(told)
        self._logger.info(
            "ready",
            models=[{**metadata.about(one), "batch": one.batch} for one in served],
            streams=service.scheduler.streams,
            queue=self._settings.queue,
            loop=type(asyncio.get_running_loop()).__module__,
            **told,
        )

    async def _refresh(self) -> None:
        while True:
            self._service.metrics.refresh()
            await asyncio.sleep(REFRESH_S)


def serve(settings: Settings, logger: Logger, reader: Reader) -> None:
    """Serve in this process until a signal ends it, and close the reader; raises as ``Process.run``."""

    def ready(told: dict[str, int]) -> None:
        if settings.port_file is not None:
            ports.write(settings.port_file, told)

    with ports.absent(settings.port_file), ports.own_ports(settings) as doors:
        run(settings, logger, doors, ready, reader)


def run(
    settings: Settings,
    logger: Logger,
    doors: Ports,
    ready: Callable[[dict[str, int]], None],
    reader: Reader | None = None,
) -> None:
    """Serve on sockets that are there already; raises as ``Process.run``."""
    _allow_many_files()
    _keep_freed_memory()

    async def main() -> bool:
        return await Process(Service(settings, logger, reader), doors, ready).run()

    with _bridged(logger), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        drained = runner.run(main())
    if not drained:
        # A stuck engine holds a thread that Python would wait for; the time to wait is over.
        os._exit(1)


class _Uvicorn(uvicorn.Server):
    """Leaves signals alone: the service has its own way of ending."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _config(app: object, settings: Settings) -> uvicorn.Config:
    limits = ConnectionLimits(settings.header_timeout_s, settings.max_connections)
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's own ASGI types are narrower than starlette's
        http=partial(Connection, limits=limits),  # type: ignore[arg-type]  # it only ever calls it
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(settings.drain_s)),
    )


def _allow_many_files() -> None:
    """Every connection is a file; the soft limit is often 1024, and the hard one is what the machine means."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _keep_freed_memory() -> None:
    """Blocks of the size of an image are kept for the next one. glibc gives them back to the kernel by a threshold that
    moves with what was freed, and a tensor of 1.6 MB then costs 470 page faults in one process of two."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # of glibc
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


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
