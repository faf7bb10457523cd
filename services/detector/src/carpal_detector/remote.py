"""Transformer mode: the network is on another inference server, which may come up later than this process."""

from __future__ import annotations

import time
from collections.abc import Callable

from carpal.engines.errors import RemoteFailedError, RemoteUnreachableError
from carpal.engines.remote import Address, Exchange, RemoteEngine
from carpal.packages.manifest import Manifest
from carpal_detector.logs import Logger

LOOK_AGAIN_S = 0.5
# An engine elsewhere leaves the cores alone: so many images wait for it at once, for each core that prepares others.
STREAMS_A_CORE = 4


def open_remote(spec: str, manifest: Manifest, *, model: str, longest_s: float, logger: Logger) -> RemoteEngine:
    """The engine behind an address; waits for a server that is not there yet as long as for a call.

    Args:
        spec: "remote:<address>".
        manifest: what the network must agree with.
        model: its name there, where the address has none.
        longest_s: seconds that a call may take.
        logger: hears that it is waited for.

    Raises:
        EngineUnknownError: it is no address.
        EngineError, PackageError: as RemoteEngine.
    """
    address = Address.parse(spec, model)
    exchange = _connect(address, longest_s)
    try:
        return _patiently(
            lambda: RemoteEngine(exchange, manifest, longest_s=longest_s),
            until_s=time.monotonic() + longest_s,
            waiting=lambda failure: logger.warning("waiting for the inference server", reason=failure.what),
        )
    except BaseException:
        exchange.close()
        raise


def _connect(address: Address, longest_s: float) -> Exchange:
    if address.scheme.startswith("grpc"):
        from carpal_detector.remote_grpc import GrpcExchange

        return GrpcExchange(address, longest_s=longest_s)
    from carpal.engines.remote_rest import RestExchange

    return RestExchange(address, longest_s=longest_s)


def _patiently(
    opened: Callable[[], RemoteEngine],
    *,
    until_s: float,
    waiting: Callable[[RemoteFailedError | RemoteUnreachableError], None],
) -> RemoteEngine:
    """Try again while the server, or the model on it, is not there; it is said once."""
    said = False
    while True:
        try:
            return opened()
        except (RemoteUnreachableError, RemoteFailedError) as failure:
            if time.monotonic() + LOOK_AGAIN_S > until_s:
                raise
            if not said:
                waiting(failure)
                said = True
        time.sleep(LOOK_AGAIN_S)
