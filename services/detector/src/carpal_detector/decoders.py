"""The reader of a service. It imports little, so that processes which read files of strangers can start, and import
what they need, while the service does the same."""

from __future__ import annotations

import os

from carpal.imaging.isolation import IsolatedReader
from carpal.imaging.limits import patient_salt
from carpal.imaging.readers import DirectReader, Reader
from carpal.machine import usable_cores
from carpal_detector.settings import Settings


def cores_of(settings: Settings) -> int:
    """Cores of one worker."""
    return max(1, usable_cores() // settings.workers)


def open_reader(settings: Settings) -> Reader:
    """What turns files into radiographs: in processes that are not started yet, where the settings say so.

    Raises:
        CarpalError: the salt for patients cannot be read.
    """
    salt = patient_salt(os.environ)
    if not settings.isolate:
        return DirectReader(patient_salt=salt)
    cores = cores_of(settings)
    return IsolatedReader(workers=min(settings.streams or cores, cores), patient_salt=salt)
