"""The YAML file of an Ultralytics dataset: class names, and the lists or folders of train, val and test."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml

from carpal.yaml_file import refuse_repeated_keys
from carpal_training.data.dealing import Part
from carpal_training.data.text_file import read_text
from carpal_training.errors import TableInvalidError


@dataclass(frozen=True)
class DataYaml:
    """The keys of the file that an import uses.

    Attributes:
        path: the file.
        names: class names in the order of their numbers.
        base: the value of ``path``, the folder that entries are relative to; empty if the key is absent.
        entries: lists or folders of each part, as they are written.
    """

    path: Path
    names: tuple[str, ...]
    base: str = ""
    entries: Mapping[Part, tuple[str, ...]] | None = None


class _TextLoader(yaml.BaseLoader):
    """Keep each scalar as the text that is written (``no`` stays ``no``), and refuse a key that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping.

        Raises:
            yaml.constructor.ConstructorError: a key is there twice.
        """
        refuse_repeated_keys(node)
        return dict(super().construct_mapping(node, deep))


def read_data_yaml(path: Path) -> DataYaml:
    """Read the file.

    Raises:
        TableInvalidError: the file cannot be read, or its class names are not a list of different names with the
            numbers 0, 1, 2 and so on.
    """
    try:
        body: Any = yaml.load(read_text(path), Loader=_TextLoader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as failure:
        raise TableInvalidError(f"{path} cannot be read: {failure}", "", "Correct the YAML file.") from failure
    if not isinstance(body, dict) or "names" not in body:
        raise TableInvalidError(f"{path} has no key names", "It lists the classes.", "Add a list under the key names.")
    names = _names(path, body["names"])
    if body.get("nc") and body["nc"] != str(len(names)):
        raise TableInvalidError(
            f"{path}: nc is {body['nc']}, names has {len(names)} classes",
            "The two keys must match.",
            "Correct nc or names.",
        )
    entries: dict[Part, tuple[str, ...]] = {}
    for part in get_args(Part):
        if value := body.get(part):
            entries[part] = _entries(path, part, value)
    base = body.get("path", "")
    return DataYaml(path, names, base if isinstance(base, str) else "", entries or None)


def _names(path: Path, names: Any) -> tuple[str, ...]:
    if isinstance(names, dict):
        names = _numbered(path, names)
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, str) and name for name in names)
        or len(set(names)) != len(names)
    ):
        raise TableInvalidError(
            f"{path}: names is {names!r}", "It must be a list of different names.", "Correct the file."
        )
    return tuple(names)


def _numbered(path: Path, names: dict[str, Any]) -> list[Any]:
    """The names in the order of their numbers."""
    try:
        by_number = {int(key): name for key, name in names.items()}
    except ValueError as failure:
        raise TableInvalidError(
            f"{path}: a key of names is not a number ({failure})",
            "Labels refer to classes by their numbers.",
            "Write 0: first, 1: second, and so on.",
        ) from failure
    missing = sorted(set(range(len(by_number))) - set(by_number))
    if missing or len(by_number) != len(names):
        raise TableInvalidError(
            f"{path}: names has the numbers {', '.join(names)}; {missing[0] if missing else 'a number twice'} "
            + ("is missing" if missing else "is not allowed"),
            "Class numbers start at 0 and have no gaps.",
            "Add the missing class, or renumber the classes in the file and in the labels.",
        )
    return [by_number[number] for number in range(len(by_number))]


def _entries(path: Path, part: str, value: Any) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, str) and entry.strip() for entry in entries):
        raise TableInvalidError(
            f"{path}: {part} is {value!r}", "It must be a path or a list of paths.", "Correct the file."
        )
    return tuple(entry.strip() for entry in entries)
