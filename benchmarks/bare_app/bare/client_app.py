"""The client: other numbers than it got, since equal ones would not be sent again."""

import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


@app.train()
def train(message: Message, context: Context) -> Message:
    """As many numbers as came, of this node's own."""
    flat = message.content.array_records["arrays"]["flat"].numpy()
    answer = np.add(flat, np.float32(1 + context.node_id % 97), dtype=np.float32)
    content = RecordDict({"arrays": ArrayRecord({"flat": Array(answer)})})
    return Message(content, reply_to=message)
