#!/usr/bin/env bash
# usearch: an index of bytes forgets how long vectors are.
# Expected: dtype="i8" stores numbers in fewer bits, and the inner product still prefers the longer of two vectors of
# one direction.
# Found: each vector is scaled to length 127 on its own, under the metrics "ip" and "l2sq" too, so lengths are gone
# and both score the same.
# What to do: scale all vectors by one factor and hand over int8, or dtype="f16".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'usearch==2.26.*' 'numpy==2.4.*'
venv/bin/python -I - <<'END'
import sys
from importlib.metadata import version

import numpy as np
from usearch.index import Index

print("usearch", version("usearch"))
vectors = np.array([[1, 0, 0, 0], [10, 0, 0, 0]], np.float32)
kept, distances = {}, {}
for dtype in ("f16", "i8"):
    index = Index(ndim=4, metric="ip", dtype=dtype)
    index.add(np.arange(2), vectors)
    found = index.search(np.array([2, 0, 0, 0], np.float32), 2)
    kept[dtype] = [index.get(key).tolist() for key in range(2)]
    distances[dtype] = dict(zip(found.keys.tolist(), found.distances.tolist()))
    print(f"{dtype}: stored {kept[dtype]}, distance by key {distances[dtype]}")
told_apart = distances["f16"][1] < distances["f16"][0]
sys.exit(0 if told_apart and distances["i8"][0] == distances["i8"][1] else "the behaviour changed")
END
