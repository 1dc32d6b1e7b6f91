#!/usr/bin/env bash
# APPFL: a simulated client collects garbage three times for each training, whatever the config says.
# Expected: optimize_memory: false in the config turns it off, as it does in a client that is no simulation.
# Found: SimClientAgent makes its config anew and leaves that key out, so the agent's default stays: true. A collection
# walks all that is alive; after APPFL's imports alone that takes many times as long as a small client trains.
# What to do: set optimize_memory on each agent after it is made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'appfl==1.12.*' 'torch==2.13.*'
venv/bin/python -m pip install --quiet --no-deps 'torchvision==0.15.*' # newer ones do not load beside torch for CPUs
cat > linear.py <<'END'
import torch


class Linear(torch.nn.Linear):
    def __init__(self):
        super().__init__(4, 2)
END
cat > accuracy.py <<'END'
def accuracy(targets, outputs):
    return float((outputs.argmax(1) == targets).mean())
END
venv/bin/python -I - <<'END'
import gc
import logging
import sys
import time
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import torch
from appfl.agent import SimClientAgent
from torch.utils.data import TensorDataset

CONFIG = {
    "optimize_memory": False,
    "model_configs": {"model_path": "linear.py", "model_name": "Linear"},
    "algorithm_configs": {
        "trainer": "VanillaTrainer",
        "trainer_kwargs": {
            "mode": "step",
            "num_local_steps": 1,
            "optim": "SGD",
            "optim_args": {"lr": 0.1},
            "loss_fn": "CrossEntropyLoss",
            "metric_path": "accuracy.py",
            "metric_name": "accuracy",
            "optimize_memory": False,
        },
    },
}
collections, collect = [], gc.collect


def counted(*arguments):
    begun = time.perf_counter()
    found = collect(*arguments)
    collections.append(time.perf_counter() - begun)
    return found


def one_training():
    collections.clear()
    begun = time.perf_counter()
    client.load_parameters(client.model.state_dict())
    client.train()
    client.get_parameters()
    return len(collections), 1000 * sum(collections), 1000 * (time.perf_counter() - begun)


logging.disable()
torch.manual_seed(0)
data = TensorDataset(torch.randn(8, 4), torch.randint(0, 2, (8,)))
client = SimClientAgent(CONFIG, client_id="one", client_dataset=data)
gc.collect = counted
one_training()  # the first one imports
print("appfl", version("appfl"))
print(f"optimize_memory: {CONFIG['optimize_memory']} in the config, {client.optimize_memory} in the agent")
by_config = one_training()
client.optimize_memory = False
by_attribute = one_training()
for how, (times, collecting, whole) in {"by the config": by_config, "by the attribute": by_attribute}.items():
    print(f"turned off {how}: {times} collections, {collecting:.0f} of {whole:.0f} ms")
sys.exit(0 if by_config[0] >= 3 and by_attribute[0] == 0 else "the behaviour changed")
END
