"""Who hears what: results on stdout, talk on stderr, and nothing but JSON where a machine reads."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
import pytest

from carpal.errors import UsageError
from carpal.records.record import Box
from carpal.terminal import Terminal

Streams = pytest.CaptureFixture[str]
FAILURE = UsageError("the size is -3", "A size is positive.", "Give another one.")


class FakeTerminal(io.StringIO):
    """A stderr that a person looks at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> FakeTerminal:
    """stderr is a terminal that can do colour."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return FakeTerminal()


def test_talk_goes_to_stderr_and_the_last_line_to_stdout(capsys: Streams):
    terminal = Terminal()
    terminal.say("reading [bold]this[/bold]")
    terminal.done("made it")
    assert capsys.readouterr() == ("made it\n", "reading [bold]this[/bold]\n")


def test_quiet_drops_talk_and_keeps_the_last_line(capsys: Streams):
    terminal = Terminal(quiet=True)
    terminal.say("reading")
    terminal.done("made it")
    assert capsys.readouterr() == ("made it\n", "")


def test_with_json_stdout_holds_the_document_alone(capsys: Streams):
    terminal = Terminal(json=True)
    terminal.say("reading")
    terminal.result({"box": Box(x0=0, y0=1, x1=2, y1=3), "path": Path("a"), "set": {1}, "n": np.float64(0.5)})
    terminal.done("made it")
    out, err = capsys.readouterr()
    assert json.loads(out) == {"box": {"x0": 0, "y0": 1, "x1": 2, "y1": 3}, "path": "a", "set": [1], "n": 0.5}
    assert err == "reading\nmade it\n"


def test_lines_are_one_document_each(capsys: Streams):
    terminal = Terminal(json=True)
    terminal.line({"a": 1})
    terminal.line({"a": 2})
    assert capsys.readouterr().out == '{"a":1}\n{"a":2}\n'


def test_without_json_there_is_no_document(capsys: Streams):
    Terminal().result({"a": 1})
    Terminal().line({"a": 1})
    assert capsys.readouterr().out == ""


def test_an_error_is_three_lines(capsys: Streams):
    Terminal().error(FAILURE)
    assert capsys.readouterr() == (
        "",
        "error: the size is -3 [usage.invalid]\n  A size is positive.\n  Give another one.\n",
    )


def test_an_error_without_a_reason_has_no_empty_line(capsys: Streams):
    Terminal().error(UsageError("no"))
    assert capsys.readouterr().err == "error: no [usage.invalid]\n"


def test_with_json_an_error_is_a_document_on_stderr(capsys: Streams):
    Terminal(json=True).error(FAILURE)
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err) == FAILURE.as_dict()


def test_a_pipe_gets_no_bar_and_no_colour(capsys: Streams):
    with Terminal().progress("reading", 3) as advance:
        advance()
        advance(2)
    assert capsys.readouterr() == ("", "")


def test_a_person_gets_a_bar_with_count_and_time_left(person: FakeTerminal):
    with redirect_stderr(person), Terminal().progress("reading", 3) as advance:
        advance(3)
    assert "reading" in person.getvalue()
    assert "3/3" in person.getvalue()


def test_a_quiet_person_gets_no_bar(person: FakeTerminal):
    with redirect_stderr(person), Terminal(quiet=True).progress("reading", 3) as advance:
        advance()
    assert person.getvalue() == ""


def test_a_person_sees_errors_in_colour(person: FakeTerminal):
    with redirect_stderr(person):
        Terminal().error(FAILURE)
    assert "\x1b[1;31m" in person.getvalue()


def test_who_asks_for_no_colour_gets_none(person: FakeTerminal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stderr(person):
        Terminal().error(FAILURE)
    assert "31m" not in person.getvalue()
