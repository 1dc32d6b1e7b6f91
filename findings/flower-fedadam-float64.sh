#!/usr/bin/env bash
# Flower: FedAdam gives float64 for float32, FedYogi and FedAdagrad do not.
# Expected: arrays keep their type.
# Found: after the first FedAdam round each array is twice as large, and what clients send back is added in another
# precision.
# What to do: cast what the strategy gives to the type that went in.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'flwr==1.42.*'
venv/bin/python -I - <<'END'
import logging
import sys
from importlib.metadata import version

import numpy as np
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import FedAdagrad, FedAdam, FedAvg, FedYogi
from flwr.supercore.task_identity import TaskIdentity

logging.disable()
TaskIdentity.task_id = TaskIdentity.run_id = TaskIdentity.node_id = 1


def reply(value):
    arrays = ArrayRecord({"weight": Array(np.array([value], np.float32))})
    question = Message(RecordDict(), dst_node_id=1, message_type="train")
    return Message(RecordDict({"arrays": arrays, "metrics": MetricRecord({"num-examples": 1})}), reply_to=question)


def kind(strategy):
    strategy.current_arrays = {"weight": np.zeros(1, np.float32)}
    arrays, _ = strategy.aggregate_train(1, [reply(1), reply(3)])
    return str(arrays["weight"].numpy().dtype)


print("flwr", version("flwr"))
found = {strategy.__name__: kind(strategy()) for strategy in (FedAvg, FedAdagrad, FedYogi, FedAdam)}
print("float32 comes back as:", found)
wanted = {"FedAvg": "float32", "FedAdagrad": "float32", "FedYogi": "float32", "FedAdam": "float64"}
sys.exit(0 if found == wanted else "the behaviour changed")
END
