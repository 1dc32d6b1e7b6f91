#!/usr/bin/env bash
# implicit: recommend fills a list with what the user has, though told to leave it out.
# Expected: with filter_already_liked_items a shorter list where fewer items are left.
# Found: the list has N items; those that were to be left out stand at its end, with the score -3.4e38 (matrix
# factorisation) or 0 (neighbours).
# What to do: drop by the user's own items, not by the score alone.
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
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender

print("implicit", version("implicit"))
rows = sp.csr_matrix(np.array([[1, 1, 1, 0], [1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 1, 1]], np.float32))
owned = set(rows[0].indices.tolist())
print("items of the user:", sorted(owned), "of 0 to 3")
listed = {}
for model in (AlternatingLeastSquares(factors=4, iterations=5, random_state=0), CosineRecommender()):
    model.fit(rows, show_progress=False)
    items, scores = model.recommend(0, rows[0], N=4, filter_already_liked_items=True)
    listed[type(model).__name__] = items.tolist()
    print(type(model).__name__, "lists", items.tolist(), "with scores", scores.tolist())
found = [items[0] == 3 and set(items[1:]) == owned for items in listed.values()]
sys.exit(0 if all(found) else "the behaviour changed")
END
