"""A closed loop of raw sockets: ``python caller.py PORT SECONDS CONNECTIONS HEAD_FILE BODY_FILE``, one JSON line out.

The request is made once; what is measured is the server, as far as one process of Python lets it.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from pathlib import Path
from statistics import median


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """One request, and the whole answer."""
    connection.sendall(request)
    answer = connection.recv(65536)
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"{head[:200]!r} {body[:300]!r}")
    return body


def loop(port: int, request: bytes, until_s: float, spans: list[float]) -> None:
    """Until the time is over."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (begun_s := time.perf_counter()) < until_s:
            exchange(connection, request)
            spans.append(time.perf_counter() - begun_s)


def main() -> None:
    """Requests a second and the median."""
    port, seconds, connections = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    request = Path(sys.argv[4]).read_bytes() + Path(sys.argv[5]).read_bytes()
    spans: list[float] = []
    begun_s = time.perf_counter()
    threads = [
        threading.Thread(target=loop, args=(port, request, begun_s + seconds, spans)) for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed_s = time.perf_counter() - begun_s
    sys.stdout.write(json.dumps({"per_s": len(spans) / elapsed_s, "p50_ms": median(spans) * 1e3}) + "\n")


if __name__ == "__main__":
    main()
