"""docs/reference/cli.md: every command, argument and option, read from the application itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_args, get_origin

import typer

from carpal.cli import GROUP, build

VALUES: dict[Any, str] = {str: "text", Path: "path", int: "integer", float: "number"}
PAGE = "docs/reference/cli.md"
HEAD = """\
# Commands

<!-- Made by make generate from the commands themselves. Do not edit. -->

`carpal` offers the commands of the distributions that are installed. Exit codes: 0 done, 1 a check or an objective
failed, 2 bad input or usage, 130 interrupted; a load test that measured nothing valid ends with 3. Results go to
stdout, talk to stderr. `carpal --debug …` shows the traceback of an error; `NO_COLOR` is honoured.

"""


def files() -> dict[str, str]:
    groups = sorted(entry_points(group=GROUP), key=lambda group: group.name)
    root = typer.main.get_command(build(groups))
    sections = [_section(name, command) for name, command in _leaves(root, "carpal")]
    return {PAGE: HEAD + "\n".join(line for section in sections for line in section)}


def _leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name, in order."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for key in sorted(inner):
        yield from _leaves(inner[key], f"{name} {key}")


def _section(name: str, command: Any) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter not in arguments and not parameter.hidden]
    usage = " ".join([name, *("[OPTIONS]" for _ in options[:1]), *(_usage(argument) for argument in arguments)])
    yield f"## {name}\n"
    yield inspect.cleandoc(command.help or "") + "\n"
    yield f"    {usage}\n"
    if command.params:
        yield "| argument or option | default | what it does |"
        yield "|---|---|---|"
    for parameter in [*arguments, *options]:
        yield f"| {_names(parameter)} | {_default(parameter)} | {_cell(parameter.help or '')} |"
    yield ""


def _usage(argument: Any) -> str:
    name = argument.name.upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`"
    value = "" if parameter.is_flag else f" {_value(parameter)}"
    return ", ".join(f"`{option}`" for option in [*parameter.opts, *parameter.secondary_opts]) + value


def _value(parameter: Any) -> str:
    """What an option takes, in a word; a list may be given several times."""
    annotation = parameter.type_descriptor.annotation
    inner = next(iter(get_args(annotation)), None) if get_origin(annotation) is list else annotation
    word = parameter.metavar or VALUES.get(inner) or getattr(inner, "__name__", "value").lower()
    return f"{word}, repeatable" if parameter.multiple else str(word)


def _default(parameter: Any) -> str:
    """As typed, a flag's as on or off; computed defaults are for the help text to explain."""
    if parameter.required:
        return "required"
    default = parameter.default
    if isinstance(default, bool):
        return "on" if default else "off"
    if default is None or default == () or callable(default) or type(default).__module__.endswith("_utils"):
        return ""
    return f"`{default.value if isinstance(default, Enum) else default}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
