#!/usr/bin/env bash
# peft: LoRA on a torch TransformerEncoderLayer does nothing in evaluation.
# Expected: an adapter that counts while training counts when the model is used.
# Found: without gradients torch's layer takes a fused path that reads linear1.weight itself and never calls the
# adapter's forward, so the output is that of the model without it.
# What to do: merge the adapter first, or torch.backends.mha.set_fastpath_enabled(False).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'peft==0.21.*' 'torch==2.13.*' 'numpy==2.4.*'
venv/bin/python -I - <<'END'
import sys
import warnings

import peft
import torch

warnings.simplefilter("ignore")
torch.manual_seed(0)
layer = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
model = peft.get_peft_model(layer, peft.LoraConfig(r=2, target_modules=["linear1"], init_lora_weights=False))
batch = torch.randn(2, 5, 8)


def moved():
    with torch.no_grad():
        adapted = model(batch)
        with model.disable_adapter():
            return float((adapted - model(batch)).abs().max())


print("peft", peft.__version__, "torch", torch.__version__)
training = model.train() and moved()
evaluation = model.eval() and moved()
torch.backends.mha.set_fastpath_enabled(False)
slow = moved()
print("what the adapter moves, in training:", training)
print("in evaluation:", evaluation)
print("in evaluation without the fast path:", slow)
sys.exit(0 if training > 0 and evaluation == 0 and slow > 0 else "the behaviour changed")
END
