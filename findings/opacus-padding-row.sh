#!/usr/bin/env bash
# Opacus: the padding row of an embedding gets a gradient, and so is trained.
# Expected: as in torch, the row of padding_idx has the gradient 0 and stays as it is.
# Found: with the usual per-sample gradients (hooks) it has one, from every padded place, so that the padding row
# moves and takes part in each sample's norm.
# What to do: set that row of the per-sample gradients to 0, or grad_sample_mode="functorch".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'opacus==1.6.*' 'torch==2.13.*'
venv/bin/python -I - <<'END'
import sys
import warnings

import opacus
import torch
from opacus.grad_sample import wrap_model

warnings.simplefilter("ignore")
print("opacus", opacus.__version__, "torch", torch.__version__)
events = torch.tensor([[0, 1], [2, 0]])


def summed(mode):
    table = torch.nn.Embedding(5, 3, padding_idx=0)
    wrap_model(table, grad_sample_mode=mode, loss_reduction="sum")(events).sum().backward()
    return table.weight.grad_sample.sum(0)[0]


table = torch.nn.Embedding(5, 3, padding_idx=0)
table(events).sum().backward()
plain, hooks, functorch = table.weight.grad[0], summed("hooks"), summed("functorch")
print("gradient of the padding row, torch:", plain.tolist())
print("sum of its per-sample gradients, hooks:", hooks.tolist())
print("sum of its per-sample gradients, functorch:", functorch.tolist())
sys.exit(0 if hooks.any() and not plain.any() and not functorch.any() else "the behaviour changed")
END
