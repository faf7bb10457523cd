"""Reads the code blocks of a Markdown page and runs them as one session, so that documentation cannot drift.

What a block is, by its fence and by an HTML comment on the line before it:

- ``sh``: commands, all of which must succeed;
- ``console``: commands after ``$``, each followed by its output, in which ``…`` stands for anything;
- ``python``: a program of its own, in the same folder;
- ``<!-- file: NAME -->``: the text of a file that later blocks use;
- ``<!-- run by: WHERE -->``: not run here, because WHERE runs it (it takes minutes, or needs a fresh machine).
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"(?:^<!-- (?P<role>file|run by): (?P<value>[^>]+?) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
MARK = "\x1e"
LINES_SHOWN = 20


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str
    line: int
    file: str | None = None
    run_by: str | None = None


@dataclass(frozen=True)
class Step:
    """One thing that the session does: its place on the page, what it runs, what it must print (None: anything)."""

    line: int
    command: str
    expected: str | None


class PageError(AssertionError):
    """A block of a page does not do what the page says."""


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page in order."""
    found = []
    for match in FENCE.finditer(page):
        role, value = match["role"], match["value"]
        found.append(
            Block(
                language=match["language"],
                text=match["text"],
                line=page.count("\n", 0, match.start("language")) + 1,
                file=value if role == "file" else None,
                run_by=value if role == "run by" else None,
            )
        )
    return found


def steps(block: Block) -> Iterator[Step]:
    """What a block asks the session to do."""
    if block.file is not None:
        yield Step(block.line, f"cat > {shlex.quote(block.file)} <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK", None)
    elif block.run_by is None and block.language == "sh":
        yield Step(block.line, block.text, None)
    elif block.run_by is None and block.language == "python":
        yield Step(block.line, f"python - <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK", None)
    elif block.run_by is None and block.language == "console":
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, expected = _command_and_output(part)
            yield Step(block.line, command, expected)


def _command_and_output(part: str) -> tuple[str, str]:
    """A command may go on over lines that end with a backslash; the rest is its output."""
    lines = part.splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\\n"))
    return "".join(lines[:end]), "".join(lines[end:])


def run(page: str, folder: Path, environment: Mapping[str, str], *, timeout_s: float = 120) -> None:
    """Run every step of a page in one shell, in a folder.

    Raises:
        PageError: a step fails, or prints something else than the page shows; it names the line of the page.
    """
    todo = [step for block in blocks(page) for step in steps(block)]
    if not todo:
        return
    output = _session(_script(todo), folder, environment, timeout_s)
    parts = output.split(MARK)[1:]
    for step, part in zip(todo, parts, strict=False):
        printed = part.partition("\n")[2]
        if step.expected is not None and not matches(step.expected, printed):
            said = f"line {step.line}: {step.command}shows\n{step.expected}but the command prints\n"
            raise PageError(said + _end_of(printed))
    last = parts[-1] if parts else output
    if not last.startswith("done"):
        step = todo[max(len(parts) - 1, 0)]
        raise PageError(f"line {step.line}: {step.command}failed:\n" + _end_of(last.partition("\n")[2]))


def _end_of(output: str) -> str:
    """The last lines: where a command says why it stopped."""
    return "\n".join(line[:300] for line in output.splitlines()[-LINES_SHOWN:])


def _script(todo: list[Step]) -> str:
    """A marker before each step; what it prints follows its marker."""
    lines = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"]
    for number, step in enumerate(todo):
        lines += [f"printf '{MARK}%s\\n' {number}", step.command]
    return "\n".join([*lines, f"printf '{MARK}done\\n'", ""])


def _session(script: str, folder: Path, environment: Mapping[str, str], timeout_s: float) -> str:
    """Run a script in a process group of its own, so that nothing it started outlives it."""
    process = subprocess.Popen(
        ["bash", "-c", script], cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        return process.communicate(timeout=timeout_s)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0] + f"\nstopped after {timeout_s:g} s"


def matches(expected: str, printed: str) -> bool:
    """Whether the output is what the page shows: ``…`` on a line of its own is any lines, inside a line any text."""
    pattern = ""
    for line in expected.rstrip("\n").split("\n"):
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part.rstrip() if last else part) for part, last in _parts(line)) + r"\s*?\n"
    tidy = "".join(f"{line.rstrip()}\n" for line in printed.rstrip("\n").split("\n"))
    return re.fullmatch(pattern, tidy) is not None


def _parts(line: str) -> list[tuple[str, bool]]:
    parts = line.split("…")
    return [(part, number == len(parts)) for number, part in enumerate(parts, 1)]
