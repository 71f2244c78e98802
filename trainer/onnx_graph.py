"""Build a graph of ONNX node by node; the one place that imports the package onnx (extra caviar[onnx])."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from .problem import ProblemsError

ML = "ai.onnx.ml"
_OPSETS = {"": 17, ML: 3}  # of 2022, read by every onnxruntime since 1.12
_IR_VERSION = 8  # of the same year
_ROWS = "rows"  # the name of the first dimension, of any length


class Graph:
    """Nodes and constants so far. Values are known by their names, which are made here."""

    def __init__(self) -> None:
        """Begin an empty graph. Raises ProblemsError where onnx is not installed."""
        self._onnx = _package()
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, dtype: type, *dimensions: int) -> str:
        """Declare an input (rows, *dimensions) and return its name."""
        self._inputs.append(self._declared(name, dtype, dimensions))
        return name

    def output(self, value: str, name: str, dtype: Any, *dimensions: int) -> None:
        """Declare a value as an output (rows, *dimensions) of this name."""
        self._nodes.append(self._onnx.helper.make_node("Identity", [value], [name]))
        self._outputs.append(self._declared(name, dtype, dimensions))

    def constant(self, array: Any) -> str:
        """Return the name of a constant: an array, a number as int64, or texts."""
        name = f"constant{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the name of that."""
        name = f"{operator}{len(self._nodes)}"
        node = self._onnx.helper.make_node(operator, inputs, [name], name, domain=domain, **attributes)
        self._nodes.append(node)
        return name

    def cast(self, value: str, dtype: Any) -> str:
        """Add a conversion of a value to another type."""
        return self.add("Cast", value, to=self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def saved(self, meaning: str, metadata: Mapping[str, str]) -> bytes:
        """Return the graph as a model file of ONNX, with these texts as its metadata."""
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes, "caviar", self._inputs, self._outputs, self._constants, doc_string=meaning
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="caviar", doc_string=meaning
        )
        helper.set_model_props(model, dict(metadata))
        return bytes(model.SerializeToString())

    def _declared(self, name: str, dtype: Any, dimensions: Sequence[int]) -> Any:
        element = (
            self._onnx.TensorProto.STRING
            if dtype is str
            else self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        )
        return self._onnx.helper.make_tensor_value_info(name, element, [_ROWS, *dimensions])


def _package() -> ModuleType:
    try:
        import onnx
    except ImportError as error:
        message = "a graph of ONNX needs the package onnx"
        raise ProblemsError.of("onnx", message, "pip install 'caviar[onnx]'") from error
    return onnx
