#!/usr/bin/env bash
# Flower: FedTrimmedAvg with its usual beta of 0.2 trims nothing of four replies, and a whole reply a side of five.
# Expected: a fifth is cut at each end, or it is said that it is none.
# Found: the number cut is rounded down, so one reply of four moves the mean by a quarter of its distance; replies
# count the same however many examples they come from.
# What to do: beta of at least 1 / replies, and a look at how many replied.
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
from flwr.serverapp.strategy import FedTrimmedAvg
from flwr.supercore.task_identity import TaskIdentity

logging.disable()
TaskIdentity.task_id = TaskIdentity.run_id = TaskIdentity.node_id = 1


def reply(value, examples):
    arrays = ArrayRecord({"weight": Array(np.array([value], np.float32))})
    question = Message(RecordDict(), dst_node_id=1, message_type="train")
    metrics = MetricRecord({"num-examples": examples})
    return Message(RecordDict({"arrays": arrays, "metrics": metrics}), reply_to=question)


def mean(values, examples):
    arrays, _ = FedTrimmedAvg().aggregate_train(1, [reply(*pair) for pair in zip(values, examples)])
    return float(arrays["weight"].numpy()[0])


print("flwr", version("flwr"), "beta", FedTrimmedAvg().beta)
four = mean([1, 1, 1, 1001], [10] * 4)
five = mean([1, 1, 1, 1, 1001], [10] * 5)
unequal = mean([1, 1, 1, 1001], [1000, 1000, 1000, 1])
print("of 1, 1, 1, 1001:", four)
print("of 1, 1, 1, 1, 1001:", five)
print("of 1, 1, 1, 1001 where the last has 1 example and the others 1000:", unequal)
sys.exit(0 if (four, five, unequal) == (251, 1, 251) else "the behaviour changed")
END
