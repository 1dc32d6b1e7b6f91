#!/usr/bin/env bash
# torch.export: a program is not saved where a buffer is an empty array of numpy's; one that torch made is.
# Expected: an empty table is saved as an empty table, whoever made it.
# Found: torch.export.save raises "numel: integer multiplication overflow" for a buffer of
# torch.from_numpy(np.zeros((0, 4), np.float32)); torch.zeros(0, 4) is saved. The strides that numpy gives an empty array
# are others; a clone has those of torch.
# What to do: register torch.from_numpy(array).clone().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'torch==2.13.*' 'numpy==2.4.*'
venv/bin/python -I - <<'END'
import io
import sys

import numpy as np
import torch


class Table(torch.nn.Module):
    def __init__(self, rows):
        super().__init__()
        self.register_buffer("rows", rows)

    def forward(self, x):
        return torch.cat([self.rows, x])


def saved(rows):
    program = torch.export.export(Table(rows), (torch.ones(2, 4),))
    try:
        torch.export.save(program, io.BytesIO())
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return "saved"


print("torch", torch.__version__, "numpy", np.__version__)
empty = torch.from_numpy(np.zeros((0, 4), np.float32))
words = {"torch.zeros(0, 4)": saved(torch.zeros(0, 4)), "from_numpy": saved(empty), "its clone": saved(empty.clone())}
for made, what in words.items():
    print(f"{made}: {what}")
sys.exit(0 if words["torch.zeros(0, 4)"] == "saved" and "overflow" in words["from_numpy"] else "the behaviour changed")
END
