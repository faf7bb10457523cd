"""One line that moves while a stage runs: elapsed and expected time, and the last words of the command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from carpal.terminal import Terminal


@contextmanager
def ticking(terminal: Terminal, label: str, expected_s: float) -> Iterator[Callable[[str], None]]:
    """A bar at a terminal, nothing in a pipe.

    Yields:
        ``tick(note)``, called as often as one likes; ``note`` is what the command said last.
    """
    console = Console(stderr=True, highlight=False)
    if terminal.quiet or not console.is_terminal:
        yield _stay
        return
    begun = monotonic()
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[times]}", markup=False),
        TextColumn("{task.fields[note]}", markup=False, style="dim"),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task(label, total=expected_s, times="", note="")

        def tick(note: str) -> None:
            elapsed_s = monotonic() - begun
            times = f"{clock(elapsed_s)} of about {clock(expected_s)}"
            bar.update(task, completed=min(elapsed_s, expected_s), times=times, note=note.strip()[:70])

        tick("")
        yield tick


def _stay(_: str) -> None:
    """Show nothing: nobody looks."""


def clock(seconds: float) -> str:
    """Seconds as a reader says them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
