"""An ONNX graph whose large weights are whole numbers of eight bits, one scale a column, multiplied as whole numbers.

K inputs and N outputs of a matrix, Q rows that are multiplied with it, L columns that are looked up.
"""

from typing import TYPE_CHECKING

import numpy as np

from client.export.eight_bits import eighths_of_columns

if TYPE_CHECKING:
    import onnx

_LEAST_NUMBERS = 4_096
"""a smaller matrix stays as it is"""
_DOMAIN, _VERSION = "graft", 1
_FUNCTIONS = (
    """
    <opset_import: ["" : OPSET], domain: "graft">
    RoundedProduct (left, codes, steps) => (product) {
        last = Constant <value_ints = [-1]> ()
        levels = Constant <value = float {63.0}> ()
        finer = Constant <value = float {126.0}> ()
        middle = Constant <value = float {64.0}> ()
        tiny = Constant <value = float {1e-30}> ()
        zero_of_left = Constant <value = uint8 {64}> ()
        zero = Constant <value = int8 {0}> ()
        size = Abs (left)
        most = ReduceMax <keepdims = 1> (size, last)
        rough_step = Div (most, levels)
        step = Max (rough_step, tiny)
        scaled = Div (left, step)
        rough = Round (scaled)
        rest = Sub (scaled, rough)
        rest_scaled = Mul (rest, finer)
        fine = Round (rest_scaled)
        both = Concat <axis = -2> (rough, fine)
        raised = Add (both, middle)
        told = Cast <to = 2> (raised)
        whole = MatMulInteger (told, codes, zero_of_left, zero)
        sums = Cast <to = 1> (whole)
        of_rough, of_fine = Split <axis = -2, num_outputs = 2> (sums)
        of_rest = Div (of_fine, finer)
        sum = Add (of_rough, of_rest)
        by_left = Mul (sum, step)
        product = Mul (by_left, steps)
    }
    """,
    """
    <opset_import: ["" : OPSET], domain: "graft">
    RoundedColumns (codes, steps, places) => (columns) {
        chosen = Gather <axis = 1> (codes, places)
        whole = Cast <to = 1> (chosen)
        step = Gather <axis = 0> (steps, places)
        columns = Mul (whole, step)
    }
    """,
)
"""What is multiplied is told in seven bits without a sign, and seven more for the rest: two products of these with
numbers of eight bits fit 16 bits, at which kernels of older processors cut a sum off."""


def round_weights(model: "onnx.ModelProto") -> None:
    """Round the matrices [K, N] that a graph multiplies with or looks columns up in.

    Args:
        model: a graph whose initializers are in memory; it is changed.
    """
    import onnx
    from onnx import numpy_helper

    opset = next(each.version for each in model.opset_import if not each.domain)
    rounded = {
        weights.name: eighths_of_columns(numpy_helper.to_array(weights))
        for weights in model.graph.initializer
        if weights.data_type == onnx.TensorProto.FLOAT and _is_rounded(model.graph, weights)
    }
    for node in model.graph.node:
        _replace(node, rounded)
    others = [weights for weights in model.graph.initializer if weights.name not in rounded]
    del model.graph.initializer[:]
    model.graph.initializer.extend(others)
    for name, (codes, steps) in rounded.items():
        model.graph.initializer.append(numpy_helper.from_array(codes, f"{name}.codes"))
        model.graph.initializer.append(numpy_helper.from_array(steps, f"{name}.steps"))
    model.functions.extend(onnx.parser.parse_function(text.replace("OPSET", str(opset))) for text in _FUNCTIONS)
    model.opset_import.append(onnx.helper.make_opsetid(_DOMAIN, _VERSION))


def _is_rounded(graph: "onnx.GraphProto", weights: "onnx.TensorProto") -> bool:
    """Whether every node that reads a matrix multiplies with it or looks columns up in it."""
    if len(weights.dims) != 2 or np.prod(weights.dims) < _LEAST_NUMBERS:
        return False
    readers = [node for node in graph.node if weights.name in node.input]
    return bool(readers) and all(_multiplies(node, weights.name) or _looks_up(node, weights.name) for node in readers)


def _multiplies(node: "onnx.NodeProto", name: str) -> bool:
    return node.op_type == "MatMul" and node.input[1] == name


def _looks_up(node: "onnx.NodeProto", name: str) -> bool:
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
    return node.op_type == "Gather" and node.input[0] == name and axis == 1


def _replace(node: "onnx.NodeProto", rounded: "dict[str, tuple[np.ndarray, np.ndarray]]") -> None:
    if node.op_type == "MatMul" and node.input[1] in rounded:
        left, name = node.input
        node.op_type, inputs = "RoundedProduct", [left, f"{name}.codes", f"{name}.steps"]
    elif node.op_type == "Gather" and node.input[0] in rounded:
        name, places = node.input
        node.op_type, inputs = "RoundedColumns", [f"{name}.codes", f"{name}.steps", places]
    else:
        return
    node.domain = _DOMAIN
    del node.input[:], node.attribute[:]
    node.input.extend(inputs)
