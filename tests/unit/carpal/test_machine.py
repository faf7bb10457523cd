"""A machine is described by what decides its speed, and by nothing that names it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

from carpal.machine import Machine, processor, this_machine, usable_cores


def test_this_machine_is_described_without_its_name():
    machine = this_machine()
    assert machine.cores == usable_cores() >= 1
    assert machine.processor
    assert platform.node() not in machine.to_json().decode()


def test_machines_alike_have_one_key_and_others_another():
    one = Machine(system="Linux x86_64", processor="EPYC", cores=2)
    assert one.key == Machine(system="Linux x86_64", processor="EPYC", cores=2).key
    assert one.key != one.model_copy(update={"cores": 4}).key
    assert len(one.key) == 12


def test_the_processor_is_the_first_that_linux_names(tmp_path: Path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor\t: 0\nmodel name\t: AMD EPYC 9B14: 96 cores\nmodel name\t: other\n")
    assert processor(info) == "AMD EPYC 9B14: 96 cores"
    assert processor(tmp_path / "nothing")


def test_cores_are_those_that_the_process_may_use():
    allowed = min(os.sched_getaffinity(0))
    code = f"import os, carpal.machine; os.sched_setaffinity(0, {{{allowed}}}); print(carpal.machine.usable_cores())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1\n"
