#!/usr/bin/env bash
# usearch: a batch search for more neighbours than there are fills up with key 0.
# Expected: fewer keys, or a key that is none.
# Found: the rows of keys are as long as asked; behind the real ones stands key 0, which is an item's, with the
# distance NaN. A single query gives a short list.
# What to do: cut each row at counts.
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
index = Index(ndim=3, metric="cos", dtype="f32")
index.add(np.arange(3), np.eye(3, dtype=np.float32))
batch, single = index.search(np.eye(3, dtype=np.float32)[1:], 5), index.search(np.eye(3, dtype=np.float32)[1], 5)
print("two queries, keys:", batch.keys.tolist())
print("two queries, distances:", batch.distances.tolist())
print("two queries, counts:", batch.counts.tolist())
print("one query, keys:", single.keys.tolist())
filled = not batch.keys[:, 3:].any() and bool(np.isnan(batch.distances[:, 3:]).all())
sys.exit(0 if filled and len(single.keys) == 3 else "the behaviour changed")
END
