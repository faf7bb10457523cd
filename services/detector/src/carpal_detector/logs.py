"""JSON lines on stderr: what the process does, never what an image shows or whose it is."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TextIO

import structlog
from structlog.typing import FilteringBoundLogger

Logger = FilteringBoundLogger


def make_logger(stream: TextIO = sys.stderr) -> Logger:
    """A logger of its own; no process-wide settings are touched."""
    logger: Logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return logger


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
