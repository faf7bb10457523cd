"""What the service says of itself."""

from __future__ import annotations

from carpal_detector import metadata
from carpal_detector.codecs.tensor import BYTES, DTYPES
from carpal_detector.lifecycle import Lifecycle
from carpal_detector.served import Served


def test_the_binary_extension_is_announced():
    assert "binary_tensor_data" in metadata.server("1")["extensions"]


def test_while_loading_the_root_names_no_model():
    answer = metadata.root(Lifecycle(), "1", "http://service/")
    assert "models" not in answer
    assert answer["ready"] is False


def test_every_type_of_the_metadata_is_one_of_the_protocol_and_of_triton(served: Served):
    told, config = metadata.model(served), metadata.config(served)
    tensors = [*told["inputs"], *told["outputs"]]
    assert {tensor["datatype"] for tensor in tensors} <= {BYTES, *DTYPES}
    assert [one["name"] for one in config["input"] + config["output"]] == [tensor["name"] for tensor in tensors]
    assert all(one["data_type"].startswith("TYPE_") for one in config["input"] + config["output"])
