"""YAML as carpal reads it: a key that is written twice is refused, because the first of the two would be ignored.

It needs PyYAML, which comes with the extra ``carpal[yaml]``.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml


class StrictLoader(yaml.SafeLoader):
    """YAML's plain types; a key may be written once in a mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping.

        Raises:
            yaml.constructor.ConstructorError: a key is written twice; it gives the line.
        """
        refuse_repeated_keys(node)
        return super().construct_mapping(node, deep)


def load_yaml(text: str | bytes) -> Any:
    """One document as plain data.

    Raises:
        yaml.YAMLError: it is not YAML, or a key is written twice.
        UnicodeDecodeError: bytes that are not UTF-8 or UTF-16.
    """
    return yaml.load(text, Loader=StrictLoader)  # a SafeLoader: it makes plain types only


def refuse_repeated_keys(node: yaml.MappingNode) -> None:
    """Check one mapping; a merged one (``<<``) may be overridden.

    Raises:
        yaml.constructor.ConstructorError: a key is written twice; it gives the line of the second.
    """
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (key.tag, key.value) in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} is written twice", key.start_mark
                )
            seen.add((key.tag, key.value))
