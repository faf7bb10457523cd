"""The ``carpal`` command: collects the groups that the installed distributions offer, and says errors in words."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import Distribution, EntryPoint, distribution, entry_points
from typing import Any

import typer

from carpal.errors import STATUS, CarpalError, Kind, UsageError
from carpal.interruption import stopped_by_signals
from carpal.terminal import Terminal

GROUP = "carpal.commands"
INTERRUPTED = STATUS[Kind.CANCELLED].exit

# Typer carries its own copy of click, so the base of every click failure is reached through the one public leaf.
_ClickFailure = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


class MissingDependencyError(UsageError):
    """A command group is installed, but something that it needs is not."""

    code = "usage.missing-dependency"
    kind = Kind.UNSUPPORTED


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code: 0 done, 1 a check failed, 2 bad input, 130 interrupted."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str], groups: Sequence[EntryPoint] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what stands after ``carpal``.
        groups: the entry points to offer; those of the installed distributions by default.

    Returns:
        The exit code.
    """
    groups = sorted(entry_points(group=GROUP) if groups is None else groups, key=lambda group: group.name)
    words = list(arguments)
    debug = "--debug" in words
    terminal = Terminal(json="--json" in words)
    try:
        command = typer.main.get_command(build(_needed(groups, words)))
        with stopped_by_signals():
            code = command.main(
                args=[word for word in words if word != "--debug"], prog_name="carpal", standalone_mode=False
            )
    except Exception as failure:
        if debug:
            raise
        said = _in_words(failure, groups)
        terminal.error(said)
        return said.status.exit
    if code == INTERRUPTED:
        terminal.say("interrupted; what was finished is kept, and the same command may be run again")
    return code if isinstance(code, int) else 0


def build(groups: Sequence[EntryPoint]) -> typer.Typer:
    """The application with the commands of these groups."""
    app = typer.Typer(
        name="carpal",
        help="Radiographs in, structured, reviewable records out. Not a medical device.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        version: bool = typer.Option(False, "--version", is_eager=True, callback=_version, help="Print the version."),
        debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    ) -> None:
        del version, debug  # both are taken care of before a command runs

    for group in groups:
        try:
            register: Callable[[typer.Typer], None] = group.load()
        except ImportError as failure:
            _register_missing(app, group.name, _missing(failure, [group]))
        else:
            register(app)
    return app


def _needed(groups: Sequence[EntryPoint], words: Sequence[str]) -> Sequence[EntryPoint]:
    """Only the group that the first word names, so that ``carpal convert`` does not pay for what training imports."""
    first = next((word for word in words if not word.startswith("-")), "")
    named = [group for group in groups if group.name == first]
    return named or groups


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"carpal {distribution('carpal').version}")
        raise typer.Exit


def _register_missing(app: typer.Typer, name: str, error: MissingDependencyError) -> None:
    """Offer the command all the same: running it says what to install."""

    @app.command(
        name,
        help=f"Not usable yet. {error.remedy}",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    )
    def unusable() -> None:
        raise error


def _missing(failure: ImportError, groups: Sequence[EntryPoint]) -> MissingDependencyError:
    """Which distribution, or which extra of it, would bring the module that is not there."""
    module = (failure.name or "").split(".")[0]
    dists = {group.dist.name: group.dist for group in groups if group.dist is not None}
    wanted = next((found for dist in dists.values() if (found := _offer(dist, module))), None)
    wanted = wanted or next(iter(dists), "carpal")
    return MissingDependencyError(
        f"the Python module {module or str(failure)!r} cannot be imported",
        f"It comes with {wanted}, which is not installed completely here.",
        f"Run `pip install '{wanted}'`.",
    )


def _offer(dist: Distribution, module: str) -> str | None:
    """``name[extra]`` where an extra of the distribution asks for the module, ``name`` where it does so itself."""
    for requirement in dist.requires or []:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        if name.lower().replace("-", "_") == module.lower():
            extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", requirement)
            return f"{dist.name}[{extra.group(1)}]" if extra else dist.name
    return None


def _in_words(failure: Exception, groups: Sequence[EntryPoint]) -> CarpalError:
    """Any failure as one of the tree, so that nobody meets a traceback."""
    if isinstance(failure, CarpalError):
        return failure
    if isinstance(failure, _ClickFailure):
        return _usage(failure)
    if isinstance(failure, ModuleNotFoundError):
        return _missing(failure, groups)
    return CarpalError(
        f"{type(failure).__name__}: {failure}",
        "This is a fault of carpal itself, or of the machine (a full disk, a lost connection).",
        "Run the same command with --debug to see where it happened.",
    )


def _usage(failure: Any) -> UsageError:
    context = getattr(failure, "ctx", None)
    path = context.command_path if context is not None else "carpal"
    return UsageError(failure.format_message(), "The command line was not understood.", f"Run `{path} --help`.")


if __name__ == "__main__":
    main()
