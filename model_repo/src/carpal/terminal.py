"""What a command says, and where: results on stdout, talk on stderr; colour and bars only at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from carpal.errors import CarpalError

if TYPE_CHECKING:
    from rich.console import Console

Advance = Callable[..., None]


class Terminal:
    """The voice of one command.

    Args:
        json: a machine reads stdout, so it gets JSON and nothing else.
        quiet: no talk and no bars; results, the last line and errors remain.
    """

    def __init__(self, json: bool = False, quiet: bool = False) -> None:
        self.json = json
        self.quiet = quiet

    @cached_property
    def _talk(self) -> Console:
        # Rich costs 0.1 s to import, which a command that only prints JSON never pays. It honours NO_COLOR by itself.
        from rich.console import Console

        return Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """One line of talk, on stderr."""
        if not self.quiet:
            self._talk.print(text, markup=False)

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Advance]:
        """A bar with rate and time left where stderr is a terminal, nothing in a pipe.

        Yields:
            ``advance(n=1)``, which may be called from several threads.
        """
        if self.quiet or not self._talk.is_terminal:
            yield _stay
            return
        from rich import progress

        with progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TaskProgressColumn(text_format="", text_format_no_percentage="", show_speed=True),
            progress.TimeRemainingColumn(),
            console=self._talk,
            transient=True,
        ) as bar:
            task = bar.add_task(label, total=total)
            yield lambda n=1: bar.advance(task, n)

    def result(self, data: Any) -> None:
        """One JSON document on stdout; only with ``--json``. Documents of pydantic are taken as they are."""
        if self.json:
            self._out(_dump(data, orjson.OPT_INDENT_2))

    def line(self, data: Any) -> None:
        """One JSON line on stdout; only with ``--json``, for commands whose result is a stream."""
        if self.json:
            self._out(_dump(data))

    def done(self, text: str) -> None:
        """The last line: what was made, where, and the next useful command."""
        if self.json:
            self._talk.print(text, markup=False)
        else:
            self._out(text)

    def error(self, failure: CarpalError) -> None:
        """What went wrong, why, and what to do: three lines on stderr, or with ``--json`` one JSON document there."""
        if self.json:
            sys.stderr.write(_dump(failure.as_dict()) + "\n")
            return
        self._talk.print("error:", style="bold red", end=" ")
        self._talk.print(f"{failure.what} [{failure.code}]", markup=False)
        for text in (failure.why, failure.remedy):
            if text:
                self._talk.print(f"  {text}", markup=False)

    @staticmethod
    def _out(text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def _stay(n: int = 1) -> None:
    """Advance nothing: there is no bar."""


def _dump(data: Any, option: int = 0) -> str:
    return orjson.dumps(data, default=_plain, option=option | orjson.OPT_SERIALIZE_NUMPY).decode()


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):  # a document; asking for its class would cost the import of pydantic
        return value.model_dump(mode="json")
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)
