"""Second moments of the inputs of an encoder's matrices: by them a change of it is cut to low rank."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from client.data.platform import Sequences
from client.training.batches import Windows
from client.training.sequence_model import SequenceModel
from shared.encoder.encoder import SEQUENCE

TOKENS = 4096
"""Positions that are looked at together."""


def input_moments(
    model: SequenceModel, sequences: Sequences, rng: np.random.Generator, *, batches: int
) -> dict[str, NDArray[np.float64]]:
    """By the name of a matrix in the encoder: [i, i] sum of the outer products of its inputs.

    Inputs of the item tower are of the whole catalogue, those of the history tower of the positions of
    ``sequences``, in at most so many random batches of ``TOKENS``: a round takes about as long everywhere.
    """
    found: dict[str, NDArray[np.float64]] = {}
    real: NDArray[np.int64] | slice = slice(None)

    def looked_at(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def add(_module: nn.Module, inputs: Any, _output: Any) -> None:
            flat = inputs[0].detach().reshape(-1, inputs[0].shape[-1])[real].double()
            found[name] = found.get(name, 0) + (flat.T @ flat).numpy()

        return add

    towers = {"item": model.item, "history": model.history}
    hooks = [
        layer.register_forward_hook(looked_at(f"{SEQUENCE}{tower}.{name}.weight"))
        for tower, module in towers.items()
        if module is not None
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear)
    ]
    training = model.training
    try:
        model.eval()
        with torch.no_grad():
            vectors = model.item_vectors(None)
            for batch in islice(Windows.of(sequences, model.length).epoch(rng, TOKENS), batches):
                real = batch.positions
                model.history(vectors[torch.from_numpy(batch.items)])
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return found
