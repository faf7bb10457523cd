"""Debian's Chromium without a window, driven over its DevTools protocol; no browser is downloaded."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 30.0
POLL_S = 0.1
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the tests may run as root
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing leaves this machine
    "--use-gl=angle",
    "--use-angle=swiftshader",  # WebGL without a graphics card
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--remote-debugging-port=0",
)


class Page:
    """One tab. Errors of its scripts are collected in ``errors``."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._last = 0
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; events that come meanwhile are noted."""
        self._last += 1
        self._connection.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=PATIENCE_S))
            if message.get("id") == self._last:
                assert "error" not in message, f"{method}: {message.get('error')}"
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, event: dict[str, Any]) -> None:
        """Keep an uncaught exception, and what is written to the console as an error (React's boundaries do that)."""
        said = event["params"]
        if event["method"] == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.errors.append(str(details.get("exception", {}).get("description") or details["text"]))
        elif event["method"] == "Runtime.consoleAPICalled" and said["type"] == "error":
            self.errors.append(" ".join(str(one.get("description") or one.get("value")) for one in said["args"]))

    def open(self, url: str) -> None:
        """Go to an address; returns when the page is loaded, which is before its scripts have shown anything."""
        self.send("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression; of a promise what it resolves to."""
        done = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, script: str, patience_s: float = PATIENCE_S) -> Any:
        """Wait until an expression is true and return its value."""
        end = time.monotonic() + patience_s
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"not within {patience_s:g} s: {script}\n{self.text()}\n{self.errors}"
            time.sleep(POLL_S)
        return value

    def until_still(self, script: str) -> Any:
        """Wait until an expression is true and has the same value twice in a row, such as the place of an element."""
        last = None
        while last != (value := self.until(script)):
            last = value
            time.sleep(POLL_S)
        return value

    def text(self) -> str:
        """What a person can read on the page."""
        return str(self.run("document.body ? document.body.innerText : ''"))

    def click(self, x: float, y: float, times: int = 1) -> None:
        """Click with the left button at a place of the window, in CSS pixels."""
        for count in range(1, times + 1):
            for kind in ("mousePressed", "mouseReleased"):
                self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=count)

    def screenshot(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])


def why_not() -> str | None:
    """The reason to skip; None where Chromium can run."""
    return (
        None if shutil.which("chromium") else "the Debian package chromium is not installed here; .ci/run installs it"
    )


@contextlib.contextmanager
def running(folder: Path, width_px: int = 1400, height_px: int = 900) -> Iterator[Page]:
    """A browser with a profile in ``folder`` and one tab; it and every process that it started are ended."""
    profile = folder / "profile"
    command = ["chromium", *FLAGS, f"--user-data-dir={profile}", f"--window-size={width_px},{height_px}", "about:blank"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "TMPDIR": str(folder)},  # where it leaves its socket when it is killed
        )  # fmt: skip
    try:
        address = _address(profile / "DevToolsActivePort", process, folder / "log")
        with httpx.Client(trust_env=False, timeout=PATIENCE_S) as client:
            (tab,) = [one for one in client.get(f"http://{address}/json/list").json() if one["type"] == "page"]
        with connect(tab["webSocketDebuggerUrl"], max_size=None, proxy=None) as connection:
            yield Page(connection)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _address(file: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the browser listens: it writes the port into its profile when it is ready."""
    end = time.monotonic() + PATIENCE_S
    while not (file.exists() and file.read_text().count("\n")):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.02)
    return f"127.0.0.1:{file.read_text().splitlines()[0]}"
