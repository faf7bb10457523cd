"""The detector service of the demo: `carpal serve` on free ports, started when a stage first needs it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import TimeoutExpired
from time import monotonic

import orjson

from carpal.terminal import Terminal
from demo.errors import ServiceNotReadyError
from demo.process import TICK_S, shown, started, tail

PATIENCE_S = 60.0


class Service:
    """One service that several stages share.

    Args:
        words: the command; ``--port-file FILE`` is added to it.
        folder: for the port file.
        log: for what it says.
        root: where it runs.
        terminal: the voice.
    """

    def __init__(self, words: tuple[str, ...], folder: Path, log: Path, root: Path, terminal: Terminal) -> None:
        self._port_file = folder / "ports.json"
        self._words = (
            *words,
            "--port-file",
            str(self._port_file.relative_to(root) if self._inside(root) else self._port_file),
        )
        self._log = log
        self._root = root
        self._terminal = terminal
        self._address = ""

    def address(self, stack: ExitStack, tick: Callable[[str], None]) -> str:
        """Its base URL; the first call starts it and ``stack`` stops it.

        Raises:
            ServiceNotReadyError: it ended, or was not ready within a minute.
        """
        if not self._address:
            self._port_file.parent.mkdir(parents=True, exist_ok=True)
            self._port_file.unlink(missing_ok=True)
            self._log.unlink(missing_ok=True)
            self._terminal.say(f"      $ {shown(self._words)}   (stays up for the next stages)")
            begun = monotonic()
            process = stack.enter_context(started(self._words, self._log, self._root))
            stack.callback(self._forget)
            while not self._port_file.exists():
                if process.poll() is not None:
                    raise self._not_ready(f"the service ended with exit code {process.returncode}")
                if monotonic() - begun > PATIENCE_S:
                    raise self._not_ready(f"the service was not ready within {PATIENCE_S:.0f} s")
                tick(tail(self._log, 1))
                with suppress(TimeoutExpired):  # it ends at once where the service does
                    process.wait(TICK_S)
            port = orjson.loads(self._port_file.read_bytes())["http"]
            self._address = f"http://127.0.0.1:{port}"
            self._terminal.say(f"      ready after {monotonic() - begun:.1f} s at {self._address}")
        return self._address

    def _forget(self) -> None:
        self._address = ""
        self._port_file.unlink(missing_ok=True)

    def _inside(self, root: Path) -> bool:
        return self._port_file.is_relative_to(root)

    def _not_ready(self, what: str) -> ServiceNotReadyError:
        return ServiceNotReadyError(
            f"{what}; its last words: {tail(self._log)}",
            f"The whole log is {self._log}.",
            "Correct that and run it again.",
        )
