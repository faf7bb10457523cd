"""The fingerprint says what a figure depends on, and not where the machine lives."""

from __future__ import annotations

import platform

from carpal_loadtests.machine import fingerprint


def test_the_fingerprint_names_the_machine_and_the_versions_but_no_host() -> None:
    machine = fingerprint()
    assert machine.cores >= 1
    assert machine.memory_bytes > 2**28
    assert machine.versions["locust"]
    assert platform.node() not in machine.to_json().decode()
