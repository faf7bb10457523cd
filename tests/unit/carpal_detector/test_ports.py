"""Ports are taken early, shared where they are to be, and told while they answer."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from carpal_detector.errors import PortInUseError
from carpal_detector.ports import absent, own_ports, shared_ports, write
from carpal_detector.settings import Settings
from carpal_detector.sockets import listen, port_of

FREE = Settings(port=0, grpc_port=0)


def test_callers_queue_on_the_rest_port_from_the_start():
    with own_ports(FREE) as ports:
        socket.create_connection(("127.0.0.1", port_of(ports.http)), timeout=20).close()
        assert ports.told(7, 8) == {"http": port_of(ports.http), "grpc": 7, "pid": 8}


def test_a_shared_port_is_chosen_once_and_not_listened_on():
    with shared_ports(FREE) as ports:
        assert ports.shared
        assert ports.grpc > 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", ports.grpc), timeout=20)


@pytest.mark.parametrize("take", [own_ports, shared_ports])
def test_a_taken_grpc_port_is_refused(take):
    with listen("127.0.0.1", 0, option="--port") as taken:
        doors = take(FREE.model_copy(update={"grpc_port": port_of(taken)}))
        with pytest.raises(PortInUseError, match="--grpc-port"):
            doors.__enter__()


def test_the_file_is_there_only_while_the_ports_answer(tmp_path: Path):
    path = tmp_path / "ports.json"
    path.write_text("old")
    with absent(path):
        assert not path.exists()
        write(path, {"http": 1})
        assert json.loads(path.read_text()) == {"http": 1}
    assert list(tmp_path.iterdir()) == []
    with absent(None):
        pass
