#!/usr/bin/env bash
# ONNX Runtime on a CPU: MatMulInteger of signed by signed bytes takes many times what unsigned by signed takes.
# Expected: two products of bytes with bytes of the same shape take about as long.
# Found: one row of 1,024 int8 by an int8 matrix of 1,024 x 20,000 that is a constant of the graph takes 10 to 25 times
# as long as a row of uint8 with zero point 128 by the same matrix. Both results are right.
# What to do: let the left side be uint8 with zero point 128: a + 128 stands for a.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'onnxruntime==1.32.*' 'onnx==1.23.*' 'numpy==2.4.*'
venv/bin/python -I - <<'END'
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

WIDTH, ITEMS = 1024, 20_000
rng = np.random.default_rng(0)
matrix = rng.integers(-100, 100, (WIDTH, ITEMS)).astype(np.int8)
row = rng.integers(-100, 100, (1, WIDTH))


def session(kind, zero):
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    constants = [
        numpy_helper.from_array(matrix, "matrix"),
        numpy_helper.from_array(np.array(zero, dtype), "zero"),
        numpy_helper.from_array(np.array(0, np.int8), "none"),
    ]
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["row", "matrix", "zero", "none"], ["product"])],
        "product",
        [helper.make_tensor_value_info("row", kind, [1, WIDTH])],
        [helper.make_tensor_value_info("product", TensorProto.INT32, [1, ITEMS])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    made = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return made, (row + zero).astype(dtype)


def milliseconds(made, given):
    (product,) = made.run(None, {"row": given})
    assert (product == row @ matrix.astype(np.int32)).all()
    taken = []
    for _ in range(30):
        start = time.process_time()
        made.run(None, {"row": given})
        taken.append(1000 * (time.process_time() - start))
    return float(np.median(taken))


print("onnxruntime", onnxruntime.__version__, "onnx", onnx.__version__)
signed = milliseconds(*session(TensorProto.INT8, 0))
unsigned = milliseconds(*session(TensorProto.UINT8, 128))
print(f"int8 by int8: {signed:.1f} ms; uint8 by int8: {unsigned:.1f} ms; both exact")
sys.exit(0 if signed > 4 * unsigned else "the behaviour changed")
END
