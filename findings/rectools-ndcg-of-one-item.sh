#!/usr/bin/env bash
# RecTools: a perfect list has an NDCG@10 of .22 where a user has one item to find.
# Expected: 1, the best that can be had.
# Found: the denominator is that of ten hits, however many items there are to find, so with one test item a user
# NDCG@10 cannot pass .22.
# What to do: divide_by_achievable=True.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'rectools==0.19.*' 'pandas==2.2.*'
venv/bin/python -I - <<'END'
import sys
from importlib.metadata import version

import pandas as pd
from rectools.metrics import NDCG

print("rectools", version("rectools"))
listed = pd.DataFrame({"user_id": [1, 1], "item_id": [7, 8], "rank": [1, 2]})
wanted = pd.DataFrame({"user_id": [1], "item_id": [7]})
one, ten = (NDCG(k=k).calc(listed, wanted) for k in (1, 10))
achievable = NDCG(k=10, divide_by_achievable=True).calc(listed, wanted)
print("NDCG@1 of a list whose first item is the one to find:", one)
print("NDCG@10 of the same list:", round(ten, 4))
print("NDCG@10 with divide_by_achievable:", achievable)
sys.exit(0 if (one, round(ten, 4), achievable) == (1, 0.2201, 1) else "the behaviour changed")
END
