#!/usr/bin/env bash
# LensKit: NDCG takes the first and the second place for the same.
# Expected: the discount 1 / log2(place + 1) of most libraries.
# Found: 1 / max(1, log2(place)), the original's discount, so a list with its one hit in the second place scores 1.
# What to do: compare NDCG of two libraries only with one discount; another rank weight can be handed to LensKit's.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'lenskit==2025.8.*' 'torch==2.13.*'
venv/bin/python -I - <<'END'
import sys

import lenskit
import numpy as np
from lenskit.data import ItemList
from lenskit.metrics import NDCG, call_metric

print("lenskit", lenskit.__version__)
found = [
    float(call_metric(NDCG, ItemList([*"bcd"[:place], "a", *"bcd"[place:]], ordered=True), ItemList(["a"])))
    for place in range(4)
]
usual = [float(1 / np.log2(place + 2)) for place in range(4)]
print("its one hit in place 1, 2, 3, 4:", [round(value, 4) for value in found])
print("with 1 / log2(place + 1):", [round(value, 4) for value in usual])
wanted = [1, 1, 1 / np.log2(3), 1 / 2]
sys.exit(0 if np.allclose(found, wanted) else "the behaviour changed")
END
