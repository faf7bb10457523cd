"""Orthanc, a real archive, on free ports with a storage of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

PATIENCE_S = 60.0
BOUNDARY = "carpal-boundary"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


@dataclass(frozen=True)
class Archive:
    """An Orthanc that is up."""

    client: httpx.Client
    dicom_port: int

    def stored(self) -> list[str]:
        """The SOP instance UIDs that it holds."""
        found = self.client.post("/tools/find", json={"Level": "Instance", "Query": {}, "Expand": True})
        return [each["MainDicomTags"]["SOPInstanceUID"] for each in found.json()]

    def stow(self, *files: bytes) -> httpx.Response:
        """Store by STOW-RS (PS3.18, 10.5): one multipart body for all."""
        head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        body = b"".join(head + file + b"\r\n" for file in files) + f"--{BOUNDARY}--\r\n".encode()
        kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
        headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
        return self.client.post("/dicom-web/studies", content=body, headers=headers)


def why_not() -> str | None:
    """The reason to skip; None where Orthanc can run."""
    if shutil.which("Orthanc") and PLUGIN.exists():
        return None
    return "the Debian packages orthanc and orthanc-dicomweb are not installed here; .ci/run installs them"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Archive]:
    """Start it with free ports and a storage in ``folder``; it is ended by its process id."""
    http, dicom = free_port(), free_port()
    configuration = folder / "orthanc.json"
    configuration.write_text(
        json.dumps(
            {
                "StorageDirectory": str(folder / "storage"),
                "IndexDirectory": str(folder / "index"),
                "HttpPort": http,
                "DicomPort": dicom,
                "RemoteAccessAllowed": False,
                "AuthenticationEnabled": False,
                "DicomCheckCalledAet": False,
                "OverwriteInstances": False,
                "Plugins": [str(PLUGIN)],
                "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            }
        )
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["Orthanc", str(configuration)], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{http}", timeout=PATIENCE_S, trust_env=False) as client:
            _wait(client, process, folder / "log")
            yield Archive(client, dicom)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def free_port() -> int:
    """A port of the loopback interface that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            client.get("/system").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError(log.read_text())
