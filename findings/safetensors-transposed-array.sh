#!/usr/bin/env bash
# safetensors.numpy: a transposed array is written in the order of its memory, under its transposed shape.
# Expected: what is read is what was saved, as for torch, where save refuses such a tensor.
# Found: same shape, other values, no error.
# What to do: hand it arrays in C order, numpy.ascontiguousarray(array).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'safetensors==0.8.*' 'numpy==2.4.*'
venv/bin/python -I - <<'END'
import sys
from importlib.metadata import version

import numpy as np
from safetensors.numpy import load, save

print("safetensors", version("safetensors"))
saved = np.arange(6, dtype=np.float32).reshape(2, 3).T
read = load(save({"weight": saved}))["weight"]
safe = load(save({"weight": np.ascontiguousarray(saved)}))["weight"]
print("saved:", saved.tolist())
print("read:", read.tolist())
print("read, where it was saved in C order:", safe.tolist())
changed = read.shape == saved.shape and not np.array_equal(read, saved) and np.array_equal(safe, saved)
sys.exit(0 if changed else "the behaviour changed")
END
