"""A network behind another server of the Open Inference Protocol v2 (Triton, OVMS, ...): the transformer mode.

This process reads, prepares and reports; the other one holds the weights. Its metadata and its first answer are
compared with the manifest before anything is served, as with a network at hand. What cannot be compared are class names
and the weights themselves: the protocol does not tell them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from carpal.engines import deadline
from carpal.engines.agreement import MAX_DYNAMIC_BATCH, Agreement
from carpal.engines.engine import EngineInfo, Heads, Images
from carpal.engines.errors import EngineUnknownError, RemoteFailedError, RemoteLateError
from carpal.packages.manifest import Manifest

LONGEST_CALL_S = 60.0
UNKNOWN_PRECISION = "unknown"
SCHEMES = ("http", "https", "grpc", "grpcs")
# The protocol's names of what a network for packages takes and gives; others stay as they are, to be refused by name.
_KINDS = {"UINT8": "uint8", "FP32": "float32"}
# What an answer may hold, as the wire has it; any other type is no head.
DTYPES: Mapping[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "FP16": np.dtype("<f2"), "FP64": np.dtype("<f8")}


@dataclass(frozen=True)
class Address:
    """Where a model is: ``http://host:port``, and after a slash its name there.

    Attributes:
        scheme: http, https, grpc or grpcs (gRPC over TLS).
        host: with its port.
        model: its name in the other server's routes.
    """

    scheme: str
    host: str
    model: str

    @classmethod
    def parse(cls, spec: str, model: str) -> Address:
        """The address in an engine's name, "remote:<address>".

        Args:
            spec: the engine as it was asked for.
            model: its name, where the address has none.

        Raises:
            EngineUnknownError: it is no such address.
        """
        url = spec.removeprefix("remote:")
        try:
            parts = urlsplit(url)
            port_is_fine = parts.port is None or parts.port > 0
        except ValueError:
            parts, port_is_fine = urlsplit(""), False
        name = parts.path.strip("/")
        if parts.scheme not in SCHEMES or not parts.hostname or not port_is_fine or "/" in name or parts.query:
            raise EngineUnknownError(
                f"{url!r} is no address of an inference server",
                f"It is SCHEME://HOST:PORT or SCHEME://HOST:PORT/MODEL, with {', '.join(SCHEMES)}.",
                "For Triton: --engine remote:grpc://triton:8001 or remote:http://triton:8000.",
            )
        return cls(parts.scheme, parts.netloc, name or model)


@dataclass(frozen=True)
class Told:
    """What the other server says of the model.

    Attributes:
        server: name and version.
        platform: what computes there.
        inputs: name, datatype and shape of each, in the protocol's words.
    """

    server: str
    platform: str
    inputs: Sequence[tuple[str, str, Sequence[int]]]


class Exchange(Protocol):
    """One wire to the other server, safe to use from several threads at once."""

    def metadata(self) -> Told:
        """What it says of the model.

        Raises:
            RemoteUnreachableError, RemoteFailedError, RemoteLateError: it does not say.
        """

    def infer(self, name: str, images: Images, timeout_s: float) -> list[NDArray[Any]]:
        """Every output for the one input of that name, in no more than so many seconds.

        Raises:
            RemoteUnreachableError, RemoteFailedError, RemoteLateError: there is no answer.
        """

    def close(self) -> None:
        """Close what is open; a second call does nothing."""


class RemoteEngine:
    """A network on another server, compared with its manifest before it is used.

    Args:
        exchange: the wire to it.
        manifest: what the network must agree with.
        longest_s: seconds that a call may take where the caller sets no deadline, or a later one.

    Raises:
        RemoteUnreachableError, RemoteFailedError, RemoteLateError: the server does not answer, or not with a model.
        InputLayoutMismatchError, OutputLayoutMismatchError: the network contradicts the manifest.
    """

    def __init__(self, exchange: Exchange, manifest: Manifest, *, longest_s: float = LONGEST_CALL_S) -> None:
        self._exchange = exchange
        self._longest_s = longest_s
        self._agreement = Agreement(manifest)
        told = exchange.metadata()
        batch = self._agreement.check_inputs(
            [
                (_KINDS.get(datatype, datatype), [None if size < 0 else size for size in shape])
                for _, datatype, shape in told.inputs
            ]
        )
        self._input = told.inputs[0][0]
        self._info = EngineInfo(
            name="remote",
            version=f"{told.server}, {told.platform}",
            device="remote",
            precision=UNKNOWN_PRECISION,
            input_px=self._agreement.frame[1:],
            classes=len(manifest.classes),
            anchors=manifest.output.anchors,
            max_batch=batch or MAX_DYNAMIC_BATCH,
        )
        self._agreement.check_outputs(self._call(np.zeros((1, *self._agreement.frame), np.uint8)))

    def run(self, images: Images) -> Heads:
        """uint8 [N, 1, H, W] to float32 [N, 4 + classes, anchors]; more than ``max_batch`` images go in several calls.

        Raises:
            InputMismatchError: another type or shape.
            RemoteUnreachableError: the server is not there.
            RemoteFailedError: it answered with an error, or with something else than the heads.
            RemoteLateError: the deadline came before its answer.
        """
        self._agreement.check_images(images)
        step = self._info.max_batch
        heads = [self._heads(images[start : start + step]) for start in range(0, len(images), step)]
        return heads[0] if len(heads) == 1 else np.concatenate(heads)

    def describe(self) -> EngineInfo:
        """What this engine is."""
        return self._info

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def _heads(self, images: Images) -> Heads:
        outputs = self._call(images)
        expected = (len(images), *self._agreement.head)
        if len(outputs) != 1 or outputs[0].shape != expected or outputs[0].dtype != np.float32:
            raise RemoteFailedError(
                f"the inference server answered {[f'{one.dtype} {list(one.shape)}' for one in outputs]}",
                f"It used to answer float32 {list(expected)}: its model has changed since this process began.",
                "Serve the network of this package there, or start this process again.",
            )
        return outputs[0]

    def _call(self, images: Images) -> list[NDArray[Any]]:
        left_s = deadline.left_s()
        timeout_s = self._longest_s if left_s is None else min(left_s, self._longest_s)
        if timeout_s <= 0:
            raise late(timeout_s)
        return self._exchange.infer(self._input, np.ascontiguousarray(images), timeout_s)


def late(timeout_s: float) -> RemoteLateError:
    """The error of a call that took, or would take, longer than it may."""
    return RemoteLateError(
        f"the inference server did not answer in the {max(0.0, timeout_s) * 1e3:.0f} ms that were left",
        "It is slow, or overloaded, or the deadline was short.",
        "Allow more time in X-Request-Deadline-Ms, or give the inference server more to compute with.",
    )
