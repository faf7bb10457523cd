"""JSON lines on stderr: what the process does, never what an image shows or whose it is."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TextIO


class Logger:
    """Writes each event as a line of JSON; a logging library would take a sixth of the start for it.

    Args:
        stream: where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def info(self, event: str, /, **said: object) -> None:
        """What happens in the course of things."""
        self._write(event, "info", said)

    def warning(self, event: str, /, **said: object) -> None:
        """What somebody should look at before long."""
        self._write(event, "warning", said)

    def error(self, event: str, /, **said: object) -> None:
        """What somebody should look at now."""
        self._write(event, "error", said)

    def _write(self, event: str, level: str, said: dict[str, object]) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        line = json.dumps({**said, "event": event, "level": level, "timestamp": now}, default=repr)
        self._stream.write(line + "\n")
        self._stream.flush()


def make_logger(stream: TextIO = sys.stderr) -> Logger:
    """A logger of its own; no process-wide settings are touched."""
    return Logger(stream)


def place(failure: BaseException) -> dict[str, object]:
    """What may be logged of an unforeseen failure: its type and the lines it came through.

    Its message is left out, because it may quote a file name or a tag of the image.
    """
    frames = traceback.extract_tb(failure.__traceback__)
    return {
        "type": type(failure).__name__,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


class Bridge(logging.Handler):
    """Passes warnings of libraries that log with the standard library on to ours."""

    def __init__(self, logger: Logger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log the library's message under its name."""
        self._logger.warning("library", library=record.name, message=record.getMessage())
