"""The server: one flat array to every node and one back, round after round, and the seconds that each took."""

import json
import time
from pathlib import Path

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, RecordDict
from flwr.serverapp import Grid, ServerApp

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Write a list of seconds, one for each round, to the file ``out`` of the run config."""
    config = context.run_config
    numbers, nodes, rounds = int(config["numbers"]), int(config["nodes"]), int(config["rounds"])
    rng, seconds = np.random.default_rng(0), []
    while len(online := list(grid.get_node_ids())) < nodes:
        time.sleep(0.5)
    for number in range(rounds):
        began = time.monotonic()
        flat = rng.standard_normal(numbers).astype(np.float32)
        content = RecordDict({"arrays": ArrayRecord({"flat": Array(flat)})})
        messages = [Message(content, node, "train", group_id=str(number)) for node in online]
        replies = list(grid.send_and_receive(messages))
        if len(replies) != nodes or any(reply.has_error() for reply in replies):
            raise RuntimeError(f"round {number}: {len(replies)} replies of {nodes}, or one with an error")
        seconds.append(time.monotonic() - began)
    Path(str(config["out"])).write_text(json.dumps(seconds), encoding="utf-8")
