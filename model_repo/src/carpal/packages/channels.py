"""Channels: names such as ``stable`` that point at one version of a package and remember where they pointed before.

``channels.json`` is one flat object, written in one step, so that a pointer and its history can never disagree::

    {"stable": "7", "stable~1": "6", "stable~2": "4", "candidate": "8"}

``stable~1`` is where ``stable`` pointed before, as in git. Readers that know channels only ignore those keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import orjson

from carpal.packages.errors import ChannelsInvalidError, NothingToRollBackError
from carpal.packages.manifest import VERSION_PATTERN

CHANNELS = "channels.json"
CHANNEL_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
HISTORY_STEPS = 20  # enough to walk back a bad week; the oldest are forgotten
_KEY = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?(?:~[1-9][0-9]*)?")


@dataclass(frozen=True)
class Channels:
    """All channels of one package: for each, versions from the present one back."""

    stacks: dict[str, tuple[str, ...]]

    @classmethod
    def parse(cls, body: bytes, *, source: str | Path) -> Channels:
        """Read ``channels.json``.

        Raises:
            ChannelsInvalidError: it is no flat JSON object of channels and versions.
        """
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as failure:
            raise _invalid(source, f"is not JSON: {failure}") from failure
        if not isinstance(data, dict):
            raise _invalid(source, "is not an object")
        for key, version in data.items():
            if not _KEY.fullmatch(key) or not isinstance(version, str) or not re.fullmatch(VERSION_PATTERN, version):
                raise _invalid(source, f"has the entry {key!r}: {version!r}")
        present = [key for key in data if "~" not in key]
        stacks = {name: tuple(_walk(data, name)) for name in present}
        if sum(map(len, stacks.values())) != len(data):
            raise _invalid(source, "has a history with a gap")
        return cls(stacks)

    def to_json(self) -> bytes:
        """The bytes of ``channels.json``."""
        flat = {
            name if steps == 0 else f"{name}~{steps}": version
            for name, stack in sorted(self.stacks.items())
            for steps, version in enumerate(stack)
        }
        return orjson.dumps(flat, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    @property
    def present(self) -> dict[str, str]:
        """Where each channel points now."""
        return {name: stack[0] for name, stack in sorted(self.stacks.items())}

    def promoted(self, channel: str, version: str) -> Channels:
        """The channels after one of them moves; unchanged where it is already there."""
        stack = self.stacks.get(channel, ())
        if stack[:1] == (version,):
            return self
        return Channels({**self.stacks, channel: (version, *stack)[: HISTORY_STEPS + 1]})

    def rolled_back(self, channel: str) -> Channels:
        """The channels after one of them steps back.

        Raises:
            NothingToRollBackError: it never pointed anywhere else.
        """
        stack = self.stacks.get(channel, ())
        if len(stack) < 2:
            raise NothingToRollBackError(
                f"Channel {channel!r} has no version before {stack[0] if stack else 'the first'}",
                "A channel goes back only to where it once was.",
                "Promote the version that you want.",
            )
        return Channels({**self.stacks, channel: stack[1:]})


def _walk(data: dict[str, str], channel: str) -> list[str]:
    stack = [data[channel]]
    while (key := f"{channel}~{len(stack)}") in data:
        stack.append(data[key])
    return stack


def _invalid(source: str | Path, what: str) -> ChannelsInvalidError:
    return ChannelsInvalidError(
        f"{source} {what}", 'It must be flat, as {"stable": "7"} is.', "Restore it, or remove it and promote again."
    )
