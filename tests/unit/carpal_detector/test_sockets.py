"""Ports are taken early, and a taken one is told with a remedy."""

from __future__ import annotations

import pytest

from carpal_detector.errors import CannotBindError, PortInUseError
from carpal_detector.sockets import expect_free, listen, port_of


def test_port_zero_takes_a_free_one():
    with listen("127.0.0.1", 0, option="--port") as server:
        assert port_of(server) > 0


def test_a_taken_port_is_refused_and_the_option_is_named():
    with listen("127.0.0.1", 0, option="--port") as server:
        for attempt in (listen, expect_free):
            with pytest.raises(PortInUseError) as caught:
                attempt("127.0.0.1", port_of(server), option="--grpc-port")
            assert "--grpc-port" in caught.value.remedy


def test_a_port_that_was_looked_at_is_free_again():
    with listen("127.0.0.1", 0, option="--port") as server:
        port = port_of(server)
    expect_free("127.0.0.1", port, option="--port")
    listen("127.0.0.1", port, option="--port").close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str):
    with pytest.raises(CannotBindError):
        listen(host, 0, option="--port")
