"""Logs are JSON lines, and libraries join in."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

from carpal_detector.logs import Bridge, make_logger, place


def test_an_event_is_one_line_of_json(log: io.StringIO):
    make_logger(log).info("ready", model="tiny")
    entry = json.loads(log.getvalue())
    assert (entry["event"], entry["level"], entry["model"]) == ("ready", "info", "tiny")
    assert entry["timestamp"].endswith("Z")


def test_what_json_has_no_word_for_is_written_as_python_shows_it(log: io.StringIO):
    make_logger(log).error("broken", where=Path("a"), pair=(1, 2), event="another")
    entry = json.loads(log.getvalue())
    assert (entry["where"], entry["pair"], entry["event"], entry["level"]) == (
        "PosixPath('a')",
        [1, 2],
        "broken",
        "error",
    )


def test_a_warning_of_a_library_becomes_one_of_ours(log: io.StringIO):
    library = logging.Logger("some.library")
    library.addHandler(Bridge(make_logger(log)))
    library.info("chatter")
    library.warning("queue at %d", 7)
    (line,) = log.getvalue().splitlines()
    assert json.loads(line)["message"] == "queue at 7"


def test_a_failure_is_told_by_its_place_and_not_by_its_words():
    try:
        raise ValueError("patient Smith")
    except ValueError as failure:
        told = place(failure)
    assert told["type"] == "ValueError"
    assert "test_logs.py" in str(told["frames"])
    assert "Smith" not in str(told)
