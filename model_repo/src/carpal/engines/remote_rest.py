"""The Open Inference Protocol v2 over REST, from the caller's side, with tensors as bytes (the binary extension)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import urllib3
from numpy.typing import NDArray

from carpal.engines.agreement import first_line
from carpal.engines.engine import Images
from carpal.engines.errors import RemoteFailedError, RemoteUnreachableError
from carpal.engines.remote import DTYPES, Address, Told, late

HEADER_LENGTH = "Inference-Header-Content-Length"
CONNECTIONS = 64
CONNECT_S = 5.0
_SHOWN = 200


class RestExchange:
    """A model behind REST.

    Args:
        address: http or https.
        longest_s: seconds that a question for metadata may take.
    """

    def __init__(self, address: Address, *, longest_s: float) -> None:
        self._address = address
        self._longest_s = longest_s
        self._path = f"/v2/models/{address.model}"
        self._pool = urllib3.connection_from_url(
            f"{address.scheme}://{address.host}", maxsize=CONNECTIONS, block=False, retries=False
        )

    def metadata(self) -> Told:
        """As the protocol says."""
        server, model = self._json("/v2"), self._json(self._path)
        try:
            inputs = [
                (str(one["name"]), str(one["datatype"]), [int(size) for size in one["shape"]])
                for one in model["inputs"]
            ]
        except (KeyError, TypeError, ValueError) as failure:
            raise self._strange(model) from failure
        return Told(f"{server.get('name', '?')} {server.get('version', '?')}", str(model.get("platform", "?")), inputs)

    def infer(self, name: str, images: Images, timeout_s: float) -> list[NDArray[Any]]:
        """As the protocol says; what is left of the deadline travels as the protocol's ``timeout`` and as a header."""
        size = {"binary_data_size": images.nbytes}
        given = {"name": name, "datatype": "UINT8", "shape": images.shape, "parameters": size}
        head = orjson.dumps(
            {"inputs": [given], "parameters": {"binary_data_output": True, "timeout": round(timeout_s * 1e6)}}
        )
        headers = {
            "Content-Type": "application/octet-stream",
            HEADER_LENGTH: str(len(head)),
            "X-Request-Deadline-Ms": f"{timeout_s * 1e3:.0f}",
        }
        answer = self._ask("POST", f"{self._path}/infer", timeout_s, b"".join((head, images.data)), headers)
        try:
            return _outputs(answer.data, answer.headers.get(HEADER_LENGTH))
        except (KeyError, TypeError, ValueError) as failure:
            raise self._strange(answer.data) from failure

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def _json(self, path: str) -> Any:
        body = self._ask("GET", path, self._longest_s).data
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as failure:
            raise self._strange(body) from failure
        if not isinstance(document, dict):
            raise self._strange(body)
        return document

    def _ask(
        self,
        method: str,
        path: str,
        timeout_s: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """One request. A kept connection that the server closed meanwhile is no failure yet: inference may be asked
        twice, because it changes nothing."""
        until_s = time.monotonic() + timeout_s
        for last in (False, True):
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise late(timeout_s)
            timeout = urllib3.Timeout(total=left_s, connect=min(CONNECT_S, left_s))
            try:
                answer = self._pool.request(method, path, body=body, headers=headers, timeout=timeout)
            except urllib3.exceptions.ReadTimeoutError as failure:
                raise late(timeout_s) from failure
            except urllib3.exceptions.ProtocolError as failure:
                if last:
                    raise self._unreachable(failure) from failure
            except urllib3.exceptions.HTTPError as failure:
                raise self._unreachable(failure) from failure
            else:
                return self._checked(answer, timeout_s)
        raise AssertionError("the second attempt returns or raises")

    def _checked(self, answer: urllib3.BaseHTTPResponse, timeout_s: float) -> urllib3.BaseHTTPResponse:
        if answer.status == 504:
            raise late(timeout_s)
        if answer.status != 200:
            raise RemoteFailedError(
                f"the inference server answered {answer.status}: {answer.data[:_SHOWN].decode(errors='replace')}",
                f"It was asked for model {self._address.model!r} at {self._address.host}.",
                "Look at its log; with another name there, give --engine remote:ADDRESS/NAME.",
            )
        return answer

    def _unreachable(self, failure: Exception) -> RemoteUnreachableError:
        return unreachable(self._address, first_line(failure))

    def _strange(self, found: Any) -> RemoteFailedError:
        return strange(self._address, found)


def unreachable(address: Address, why: str) -> RemoteUnreachableError:
    """The error of a server that is not there."""
    return RemoteUnreachableError(
        f"the inference server at {address.host} cannot be reached: {why}",
        "It is not there yet, has gone, or the address is another.",
        "Start it, or correct --engine remote:ADDRESS.",
    )


def strange(address: Address, found: object) -> RemoteFailedError:
    """The error of an answer that breaks the protocol."""
    return RemoteFailedError(
        f"the inference server at {address.host} answered what cannot be read: {str(found)[:_SHOWN]}",
        "It is no answer of the Open Inference Protocol v2.",
        "Give the port of its v2 protocol.",
    )


def _outputs(body: bytes, head_length: str | None) -> list[NDArray[Any]]:
    """The arrays of an answer: as bytes, or as JSON from servers that have no binary outputs."""
    head = body if head_length is None else body[: int(head_length)]
    rest = memoryview(body)[len(head) :]
    arrays: list[NDArray[Any]] = []
    for one in orjson.loads(head)["outputs"]:
        dtype = DTYPES[one["datatype"]]
        if "data" in one:
            array = np.array(one["data"], dtype)
        else:
            size = int(one["parameters"]["binary_data_size"])
            array, rest = np.frombuffer(rest[:size], dtype), rest[size:]
        arrays.append(array.reshape(one["shape"]))
    return arrays
