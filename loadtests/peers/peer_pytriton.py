"""pytriton: Triton itself in front of a function of Python; one BYTES tensor, sent as a raw binary request."""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
from typing import Any

import numpy as np
from pytriton.model_config import ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig
from work import MODEL, make

# Triton starts an interpreter of its own, which has to find the library of this one.
os.environ["LD_LIBRARY_PATH"] = str(sysconfig.get_config_var("LIBDIR"))
KIND, PORT = sys.argv[1], int(sys.argv[2])
work = make(KIND)


def infer(requests: list[Any]) -> list[dict[str, Any]]:
    """One answer a request."""
    return [{"record": np.array([work(request["image"][0])])} for request in requests]


def free() -> int:
    """A port for what is not measured."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


config = TritonConfig(http_port=PORT, http_address="127.0.0.1", grpc_port=free(), allow_metrics=False, log_verbose=0)
with Triton(config=config) as triton:
    triton.bind(
        MODEL,
        infer,
        inputs=[Tensor(name="image", dtype=bytes, shape=(1,))],
        outputs=[Tensor(name="record", dtype=bytes, shape=(1,))],
        config=ModelConfig(batching=False),
    )
    triton.serve()
