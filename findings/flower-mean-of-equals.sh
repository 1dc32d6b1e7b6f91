#!/usr/bin/env bash
# Flower: FedAvg over 1,000 nodes that all send the same float32 numbers gives other numbers.
# Expected: the mean of equal arrays is the array, to a rounding of its last digit.
# Found: numbers are off by 1e-5 of themselves, about 80 such roundings, all in one direction, and the more nodes, the
# further: each reply is multiplied by 1/1000 and added in float32. Nodes that learnt nothing move the model, each round;
# FedAvgM multiplies the error by its server_learning_rate.
# What to do: add up in float64, or have nodes send changes, which are small.
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
from flwr.serverapp.strategy import FedAvg, FedAvgM
from flwr.supercore.task_identity import TaskIdentity

logging.disable()
TaskIdentity.task_id = TaskIdentity.run_id = TaskIdentity.node_id = 1
SENT = np.array([1.0, -0.5, 3.7], np.float32)


def reply():
    arrays = ArrayRecord({"weight": Array(SENT)})
    question = Message(RecordDict(), dst_node_id=1, message_type="train")
    return Message(RecordDict({"arrays": arrays, "metrics": MetricRecord({"num-examples": 1})}), reply_to=question)


def off(strategy, nodes):
    strategy.current_arrays = ArrayRecord({"weight": Array(SENT)})
    arrays, _ = strategy.aggregate_train(1, [reply() for _ in range(nodes)])
    return float(np.abs(arrays["weight"].numpy() / SENT - 1).max())


print("flwr", version("flwr"))
print("all nodes send", SENT.tolist())
errors = {nodes: off(FedAvg(), nodes) for nodes in (10, 100, 1000, 10_000)}
for nodes, error in errors.items():
    print(f"FedAvg over {nodes} nodes: off by {error:.1e} of the number")
scaled = off(FedAvgM(server_learning_rate=20.0), 1000)
print(f"FedAvgM(server_learning_rate=20) over 1000 nodes: off by {scaled:.1e}")
summed = np.mean([SENT] * 1000, axis=0, dtype=np.float64).astype(np.float32)
print("numpy's mean in float64 is what was sent:", bool((summed == SENT).all()))
sys.exit(0 if errors[1000] > 5e-6 and scaled > 1e-4 else "the behaviour changed")
END
