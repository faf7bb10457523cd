"""The reader of a service, as its settings have it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from carpal.imaging.isolation import IsolatedReader
from carpal.imaging.readers import DirectReader
from carpal.machine import usable_cores
from carpal_detector.decoders import cores_of, open_reader
from carpal_detector.settings import Settings


def test_cores_are_shared_out_among_workers_and_each_has_one():
    assert cores_of(Settings()) == usable_cores()
    assert cores_of(Settings(workers=64)) == max(1, usable_cores() // 64)


def test_files_are_read_in_processes_of_their_own_none_of_which_has_started():
    reader = open_reader(Settings())
    assert isinstance(reader, IsolatedReader)
    assert reader.processes == []


def test_files_are_read_here_where_the_settings_say_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CARPAL_PATIENT_SALT", "sixteen bytes or more")
    assert open_reader(Settings(isolate=False)) == DirectReader(patient_salt=b"sixteen bytes or more")


def test_it_is_there_before_anything_large_is_imported():
    code = "import sys, carpal_detector.decoders as _; print(*{'uvicorn', 'grpc', 'onnxruntime'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
