#!/usr/bin/env bash
# implicit: precision_at_k divides by the items to find where they are fewer than k.
# Expected: hits over k, so that one hit in a list of two is .5.
# Found: hits over min(k, items to find), so that a user with one test item has precision 1 wherever it stands, which
# others call recall or hit rate.
# What to do: compare its precision with another library's recall where users have fewer than k test items.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'implicit==0.7.*' 'numpy==2.4.*' 'scipy==1.17.*'
venv/bin/python -I - <<'END'
import os
import sys
import warnings
from importlib.metadata import version

os.environ["OPENBLAS_NUM_THREADS"] = "1"
warnings.simplefilter("ignore")
import numpy as np
import scipy.sparse as sp
from implicit.evaluation import precision_at_k
from implicit.nearest_neighbours import CosineRecommender

print("implicit", version("implicit"))
train = sp.csr_matrix(np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1]], np.float32))
test = sp.csr_matrix(np.array([[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]], np.float32))
model = CosineRecommender()
model.fit(train, show_progress=False)
items, _ = model.recommend(0, train[0], N=2)
hits = int((items == 3).sum())
found = {k: precision_at_k(model, train, test, K=k, show_progress=False) for k in (1, 2)}
print("listed:", items.tolist(), "to find: [3], hits among the two:", hits)
print("precision_at_k with K=2:", found[2], "hits / K:", hits / 2)
sys.exit(0 if hits == 1 and found[2] == 1 else "the behaviour changed")
END
