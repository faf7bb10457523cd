"""OHIF and the DICOMweb of an archive under one origin, as a reverse proxy of a hospital serves them."""

from __future__ import annotations

import contextlib
import mimetypes
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What a browser asks for before it gives a page shared memory, which OHIF decodes with."""


@contextlib.contextmanager
def served(build: Path, configuration: str, archive: httpx.Client) -> Iterator[str]:
    """Serve a build of OHIF with an ``app-config.js`` on a free port of the loopback interface; yields its URL.

    ``/dicom-web`` goes to the archive.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/dicom-web"):
                self.forward()
            elif path == "/app-config.js":
                self.reply(200, "text/javascript", configuration.encode())
            else:
                file = build / path.lstrip("/")
                file = file if file.is_file() else build / "index.html"  # addresses of the application are not files
                self.reply(200, mimetypes.guess_type(file.name)[0] or "application/octet-stream", file.read_bytes())

        def do_POST(self) -> None:
            self.forward()

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept = {name: value for name, value in self.headers.items() if name.lower() in ("accept", "content-type")}
            kept["Connection"] = "close"  # Orthanc ends idle connections while the next request is on its way
            reply = archive.request(self.command, self.path, headers=kept, content=body)
            self.reply(reply.status_code, reply.headers.get("Content-Type", "application/octet-stream"), reply.content)

        def reply(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **ISOLATED}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
