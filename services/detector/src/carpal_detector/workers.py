"""Several worker processes behind the same ports, and the parent that starts them, replaces them and ends them.

Workers are forked before anything has a thread, so they share what was imported. The REST socket is one that all of
them accept from; the gRPC port is shared out by the kernel. Metrics lie in files that prometheus_client keeps, so any
worker answers for all of them.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import FrameType

from carpal.errors import CarpalError
from carpal_detector import ports
from carpal_detector.errors import WorkerFailedError
from carpal_detector.logs import Logger
from carpal_detector.ports import Ports
from carpal_detector.scratch import scratch
from carpal_detector.settings import Settings

# Between two starts in the place of one that died, so that a machine in need is not kept busy with starting.
PAUSE_S = 1.0
_PR_SET_PDEATHSIG = 1
_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


class _Worker:
    """One process and the pipe by which it says that it is ready, or why it is not."""

    def __init__(self, settings: Settings, logger: Logger, doors: Ports) -> None:
        self.said, theirs = multiprocessing.Pipe(duplex=False)
        self.process: BaseProcess = multiprocessing.get_context("fork").Process(
            target=_work, args=(settings, logger, doors, theirs), daemon=False
        )
        self.process.start()
        theirs.close()
        self.ready = False

    def listen(self) -> None:
        """Hear what it says.

        Raises:
            WorkerFailedError: it does not start, and this is why.
        """
        try:
            failure = self.said.recv()
        except EOFError:
            return
        if failure is not None:
            raise WorkerFailedError(
                f"A worker does not start: {failure['message']}", failure["reason"], failure["remedy"]
            )
        self.ready = True


class Supervisor:
    """Keeps as many workers alive as were asked for, until a signal comes."""

    def __init__(self, settings: Settings, logger: Logger, doors: Ports) -> None:
        self._settings = settings
        self._logger = logger
        self._doors = doors
        self._workers: list[_Worker] = []
        self._wake, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._signals = 0

    def run(self) -> None:
        """Start the workers, replace those that die, and end all of them after the first signal.

        Raises:
            WorkerFailedError: one does not start.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        try:
            self._workers = [self._started() for _ in range(self._settings.workers)]
            told = False
            while not self._signals:
                self._look()
                if not told and all(worker.ready for worker in self._workers):
                    self._tell()
                    told = True
            self._end(signal.SIGTERM)
        except WorkerFailedError:
            self._end(signal.SIGKILL)
            raise

    def _look(self) -> None:
        """Wait until something happens to a worker, or a signal comes."""
        pipes = {worker.said: worker for worker in self._workers if not worker.ready and not worker.said.closed}
        ends = {worker.process.sentinel: worker for worker in self._workers}
        happened = wait([*pipes, *ends, self._wake])
        for one in happened:
            if isinstance(one, Pipe):
                pipes[one].listen()
        for one in happened:
            if isinstance(one, int) and one in ends and not self._signals:
                self._replace(ends[one])

    def _replace(self, worker: _Worker) -> None:
        self._bury(worker)
        if not worker.ready:
            raise WorkerFailedError(
                f"A worker ended with {worker.process.exitcode} before it was ready", "", "Its log says more."
            )
        self._logger.error("worker died", worker=worker.process.pid, exitcode=worker.process.exitcode)
        wait([self._wake], PAUSE_S)
        if not self._signals:
            self._workers.append(self._started())

    def _bury(self, worker: _Worker) -> None:
        """Its gauges go with it, its counters stay."""
        from prometheus_client.multiprocess import mark_process_dead

        worker.process.join()
        self._workers.remove(worker)
        worker.said.close()
        mark_process_dead(worker.process.pid)  # type: ignore[no-untyped-call]  # the library has no types for it

    def _end(self, number: signal.Signals) -> None:
        """Have every worker drain; a second signal ends them at once, and this process with them."""
        self._send(number)
        until_s = time.monotonic() + self._settings.linger_s + 2 * self._settings.drain_s + 10
        for worker in self._workers:
            worker.process.join(max(0.1, until_s - time.monotonic()))
        self._send(signal.SIGKILL)
        codes = [worker.process.exitcode for worker in self._workers]
        self._logger.info("all ended", exitcodes=codes)
        if number is signal.SIGTERM and any(codes):
            sys.exit(1)

    def _send(self, number: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process.is_alive() and worker.process.pid:
                os.kill(worker.process.pid, number)

    def _started(self) -> _Worker:
        return _Worker(self._settings, self._logger, self._doors)

    def _tell(self) -> None:
        told = self._doors.told(self._doors.grpc, os.getpid())
        if self._settings.port_file is not None:
            ports.write(self._settings.port_file, told)
        self._logger.info("all ready", workers=[worker.process.pid for worker in self._workers], **told)

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        if self._signals > 1:
            self._send(signal.SIGKILL)
            sys.exit(128 + number)  # as a shell says it; what this process has made goes with it
        os.write(self._waker, b".")


def supervise(settings: Settings, logger: Logger) -> None:
    """Serve with several workers until a signal ends them.

    Raises:
        PortInUseError, CannotBindError: a port cannot be had.
        WorkerFailedError: a worker does not start.
    """
    with _metrics_folder(), ports.absent(settings.port_file), ports.shared_ports(settings) as doors:
        import carpal_detector.server  # noqa: F401  # imported once, after the folder is known, and shared by all workers

        Supervisor(settings, logger, doors).run()


@contextmanager
def _metrics_folder() -> Iterator[None]:
    """Where prometheus_client keeps the values of all workers; it looks for it when it is imported."""
    with scratch("carpal-metrics-") as folder:
        os.environ[_MULTIPROCESS] = str(folder)
        try:
            yield
        finally:
            del os.environ[_MULTIPROCESS]


def _work(settings: Settings, logger: Logger, doors: Ports, said: Pipe) -> None:
    """A worker, from its first line."""
    from carpal_detector.server import run

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    os.setpgid(0, 0)  # ctrl-C reaches the parent alone, which passes it on
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # should the parent die, this drains and ends as well
    try:
        run(settings, logger, doors, lambda _told: said.send(None))
    except CarpalError as failure:
        said.send(failure.as_dict())
        sys.exit(failure.status.exit)
