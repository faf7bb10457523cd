"""The protocol over REST, against a server that answers what a test tells it to; real ones: test_service_remote.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from carpal.engines.errors import EngineMissingError, RemoteFailedError, RemoteLateError, RemoteUnreachableError
from carpal.engines.opening import open_engine
from carpal.engines.remote import Address
from carpal.engines.remote_rest import RestExchange
from carpal.packages.package import Package

MODEL = {
    "name": "tiny",
    "platform": "numpy",
    "inputs": [{"name": "images", "datatype": "UINT8", "shape": [-1, 1, 64, 64]}],
}
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 1, 64, 64)).astype(np.uint8)
HEADS = np.random.default_rng(1).random((2, 6, 64)).astype(np.float32)
Answer = tuple[int, dict[str, str], bytes]


class Server(ThreadingHTTPServer):
    """Answers metadata, and inference as ``answer`` says; notes what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[], Answer | None] = binary
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        said = {"/v2": {"name": "numpy", "version": "2"}, "/v2/models/tiny": MODEL}
        self.reply(200 if self.path in said else 404, {}, json.dumps(said.get(self.path, {"error": "none"})).encode())

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((headers, self.rfile.read(int(headers["content-length"]))))
        answer = self.server.answer()
        if answer is None:
            self.close_connection = True
        else:
            self.reply(*answer)

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def binary(parameters: dict[str, Any] | None = None) -> Answer:
    output = {"name": "head", "datatype": "FP32", "shape": HEADS.shape}
    output["parameters"] = {"binary_data_size": HEADS.nbytes} if parameters is None else parameters
    head = json.dumps({"outputs": [output]}).encode()
    return 200, {"inference-header-content-length": str(len(head))}, head + HEADS.tobytes()


def as_json() -> Answer:
    output = {"name": "head", "datatype": "FP32", "shape": HEADS.shape, "data": HEADS.ravel().tolist()}
    return 200, {}, json.dumps({"outputs": [output]}).encode()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def exchange(server: Server) -> Iterator[RestExchange]:
    exchange = RestExchange(Address("http", f"127.0.0.1:{server.server_port}", "tiny"), longest_s=5.0)
    yield exchange
    exchange.close()


def test_metadata_names_server_platform_and_inputs(exchange: RestExchange):
    told = exchange.metadata()
    assert (told.server, told.platform, list(told.inputs)) == (
        "numpy 2",
        "numpy",
        [("images", "UINT8", [-1, 1, 64, 64])],
    )


@pytest.mark.parametrize("answer", [binary, as_json], ids=["as bytes", "as JSON"])
def test_pixels_go_as_bytes_and_heads_come_back(server: Server, exchange: RestExchange, answer: Callable[[], Answer]):
    server.answer = answer
    (heads,) = exchange.infer("images", IMAGES, 3.0)
    assert heads.dtype == np.float32
    assert np.array_equal(heads, HEADS)
    headers, body = server.asked[0]
    length = int(headers["inference-header-content-length"])
    asked = json.loads(body[:length])
    assert asked["inputs"] == [
        {
            "name": "images",
            "datatype": "UINT8",
            "shape": [2, 1, 64, 64],
            "parameters": {"binary_data_size": IMAGES.nbytes},
        }
    ]
    assert body[length:] == IMAGES.tobytes()
    assert (asked["parameters"]["timeout"], headers["x-request-deadline-ms"]) == (3_000_000, "3000")


def test_a_connection_that_was_closed_meanwhile_is_opened_again(server: Server, exchange: RestExchange):
    answers = iter([binary(), None, binary()])
    server.answer = lambda: next(answers)
    for _ in range(2):
        assert np.array_equal(exchange.infer("images", IMAGES, 3.0)[0], HEADS)
    assert len(server.asked) == 3


def test_a_server_that_always_hangs_up_is_unreachable(server: Server, exchange: RestExchange):
    server.answer = lambda: None
    with pytest.raises(RemoteUnreachableError, match="cannot be reached"):
        exchange.infer("images", IMAGES, 3.0)
    assert len(server.asked) == 2


def test_nobody_at_the_address_is_unreachable(server: Server):
    server.server_close()
    exchange = RestExchange(Address("http", f"127.0.0.1:{server.server_port}", "tiny"), longest_s=5.0)
    with pytest.raises(RemoteUnreachableError, match=f"127.0.0.1:{server.server_port}") as caught:
        exchange.metadata()
    assert (caught.value.code, caught.value.status.http) == ("engine.remote-unreachable", 503)


def test_no_answer_in_time_is_late(server: Server, exchange: RestExchange):
    release = threading.Event()
    server.answer = lambda: (release.wait(10) and None) or binary()
    with pytest.raises(RemoteLateError, match="100 ms") as caught:
        exchange.infer("images", IMAGES, 0.1)
    release.set()
    assert caught.value.status.http == 504


def test_the_servers_own_timeout_is_late(server: Server, exchange: RestExchange):
    server.answer = lambda: (504, {}, b"")
    with pytest.raises(RemoteLateError):
        exchange.infer("images", IMAGES, 3.0)


def test_an_error_is_passed_on_in_the_servers_words(server: Server, exchange: RestExchange):
    server.answer = lambda: (400, {}, b'{"error": "no such input"}')
    with pytest.raises(RemoteFailedError, match=r"answered 400.*no such input"):
        exchange.infer("images", IMAGES, 3.0)


def test_a_model_that_is_not_there_is_named(server: Server):
    exchange = RestExchange(Address("http", f"127.0.0.1:{server.server_port}", "other"), longest_s=5.0)
    with pytest.raises(RemoteFailedError, match="404") as caught:
        exchange.metadata()
    assert "'other'" in caught.value.why


@pytest.mark.parametrize(
    "answer",
    [
        lambda: (200, {}, b"<html>"),
        lambda: (200, {}, b'{"outputs": 7}'),
        lambda: (200, {}, b'{"outputs": [{"datatype": "INT64", "shape": [1], "data": [1]}]}'),
        lambda: (200, {}, b'{"outputs": [{"datatype": "FP32", "shape": [2], "data": [1]}]}'),
        lambda: binary({"binary_data_size": 8}),
        lambda: binary({}),
        lambda: (200, {"inference-header-content-length": "x"}, b"{}"),
    ],
)
def test_what_is_no_answer_of_the_protocol_is_a_failure(server: Server, exchange: RestExchange, answer: Any):
    server.answer = answer
    with pytest.raises(RemoteFailedError, match="cannot be read"):
        exchange.infer("images", IMAGES, 3.0)


def test_an_engine_by_address_is_opened_over_rest(server: Server, tiny: Package):
    server.answer = lambda: (400, {}, b"")
    with pytest.raises(RemoteFailedError, match="400"):
        open_engine(f"remote:http://127.0.0.1:{server.server_port}", tiny)


def test_the_core_alone_has_no_grpc(tiny: Package):
    with pytest.raises(EngineMissingError, match="needs gRPC"):
        open_engine("remote:grpc://127.0.0.1:1", tiny)
