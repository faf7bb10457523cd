"""From a run to a package: the network as ONNX, its variants, the gates, the manifest."""
