"""Arrays of an ONNX graph to be: an Array-API namespace whose functions add nodes instead of computing."""

from lossapi.graphs.namespace import NAMESPACE

__all__ = ["NAMESPACE"]
