"""Channels point at versions, remember where they pointed, and are one flat file."""

from __future__ import annotations

import json

import pytest

from carpal.errors import RepositoryError
from carpal.packages.channels import HISTORY_STEPS, Channels


def promoted(*versions, channel="stable"):
    channels = Channels({})
    for version in versions:
        channels = channels.promoted(channel, version)
    return channels


def test_the_file_is_flat_and_the_present_is_under_the_plain_name():
    channels = promoted("6", "7").promoted("candidate", "8")
    assert json.loads(channels.to_json()) == {"candidate": "8", "stable": "7", "stable~1": "6"}
    assert channels.present == {"candidate": "8", "stable": "7"}


def test_a_file_without_history_as_the_documentation_shows_it_is_read():
    assert Channels.parse(b'{"stable": "7", "candidate": "8"}', source="c").present == {"candidate": "8", "stable": "7"}


def test_channels_survive_the_file():
    channels = promoted("1", "2", "3").promoted("candidate", "4")
    assert Channels.parse(channels.to_json(), source="c") == channels


def test_rolling_back_walks_back_step_by_step_and_never_forward_again():
    channels = promoted("1", "2", "1", "3")
    seen = []
    while len(channels.stacks["stable"]) > 1:
        channels = channels.rolled_back("stable")
        seen.append(channels.present["stable"])
    assert seen == ["1", "2", "1"]


def test_promoting_what_is_there_changes_nothing():
    channels = promoted("1", "2")
    assert channels.promoted("stable", "2") is channels


def test_the_first_version_cannot_be_rolled_back():
    with pytest.raises(RepositoryError) as caught:
        promoted("1").rolled_back("stable")
    assert caught.value.code == "repository.nothing-to-roll-back"


def test_the_history_is_bounded():
    channels = promoted(*map(str, range(1, 100)))
    assert len(channels.stacks["stable"]) == HISTORY_STEPS + 1
    assert channels.stacks["stable"][:2] == ("99", "98")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"7"',
        b'{"stable": 7}',
        b'{"stable": "x"}',
        b'{"stable": "7\\n"}',
        b'{"Stable": "7"}',
        b'{"../x": "7"}',
        b'{"stable~1": "7"}',
        b'{"stable": "7", "stable~2": "5"}',
        b'{"stable": {"version": "7"}}',
    ],
)
def test_a_file_that_is_no_flat_map_is_refused(body):
    with pytest.raises(RepositoryError) as caught:
        Channels.parse(body, source="channels.json")
    assert caught.value.code == "repository.channels-invalid"
    assert "channels.json" in caught.value.what
