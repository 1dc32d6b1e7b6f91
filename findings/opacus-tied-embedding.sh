#!/usr/bin/env bash
# Opacus: where an embedding is the output layer too, a part of its gradient is missing.
# Expected: the per-sample gradients of a parameter sum to its gradient, or the model is refused.
# Found: what the table gets through torch.nn.functional.linear, as models of sequences tie it, is left out without a
# word: hooks see modules only.
# What to do: grad_sample_mode="ew", or a check of the sum once for each model.
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
from opacus.validators import ModuleValidator

warnings.simplefilter("ignore")


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(4, 3)

    def forward(self, events):
        return torch.nn.functional.linear(self.table(events), self.table.weight)


def summed(mode):
    model.zero_grad()
    wrapped = wrap_model(model, grad_sample_mode=mode, loss_reduction="sum")
    wrapped(events).sum().backward()
    found = model.table.weight.grad_sample.sum(0).sum(1)
    wrapped.to_standard_module()
    return found


torch.manual_seed(0)
events, model = torch.tensor([[1], [2]]), Tied()
print("opacus", opacus.__version__, "torch", torch.__version__)
print("what the validator has against the model:", ModuleValidator.validate(model))
model(events).sum().backward()
whole = model.table.weight.grad.sum(1)
hooks, expanded = summed("hooks"), summed("ew")
print("gradient of the rows, torch:", whole.tolist())
print("sum of their per-sample gradients, hooks:", hooks.tolist())
print("sum of their per-sample gradients, ew:", expanded.tolist())
missing = bool(whole[0]) and not hooks[0]  # row 0 is no event: all that it gets comes as output
sys.exit(0 if missing and torch.allclose(whole, expanded) else "the behaviour changed")
END
