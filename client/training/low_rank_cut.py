"""A change of the encoder cut to low rank, so that it travels as an adapter: the products that keep the most of what
each matrix does to its inputs, and what is cut off, which waits for the next round.

The nearest product by numbers is not the nearest by effect. A matrix's change Δ [o, i] on inputs whose second moment is
S [i, i] does Δ S^½, and of rank r the nearest to that is U Uᵀ Δ with U [o, r] the first eigenvectors of Δ S Δᵀ. What
was cut off is added to the next round's change (error feedback; Stich et al. 2018, Vogels et al. 2019).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from client.data.platform import Sequences
from client.training.batches import Windows
from client.training.sequence_model import SequenceModel
from shared.encoder.adapters import LEFT, RIGHT, Adapter, AdapterSpec
from shared.encoder.encoder import SEQUENCE, Encoder
from shared.encoder.layout import Layout, flatten, unflatten
from shared.errors import GraftError

TOKENS = 4096
"""Positions that are looked at together."""

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A change in two parts."""

    adapter: Adapter
    left_out: Float32
    """[S] the change of the sequence part less what the adapter adds"""


def input_moments(
    model: SequenceModel, sequences: Sequences, rng: np.random.Generator, *, batches: int
) -> dict[str, Float64]:
    """By the name of a matrix in the encoder: [i, i] sum of the outer products of its inputs.

    Inputs of the item tower are of the whole catalogue, those of the history tower of the positions of
    ``sequences``, in at most so many random batches of ``TOKENS``: a round takes about as long everywhere.
    """
    found: dict[str, Float64] = {}
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


def cut(encoder: Encoder, change: Float64, rank: int, moments: dict[str, Float64]) -> Cut:
    """``change`` [S] of the sequence part of ``encoder`` as an adapter of ``rank``.

    A matrix whose inputs ``moments`` does not know is cut as if they were all alike. Raises GraftError where numbers
    are not finite.
    """
    if not np.isfinite(change).all():
        raise GraftError("training must leave finite numbers; found others, as too high a learning rate leaves them")
    spec = AdapterSpec(encoder=encoder.spec, rank=rank)
    layout = Layout(tuple(replace(array, dtype="float64") for array in spec.changed()))
    changes = unflatten(layout, change)
    parts: dict[str, Float32] = {}
    for array in spec.changed():
        name, own = array.name, changes[array.name]
        if spec.is_product(array):
            seen = own @ moments[name] if name in moments else own
            left = np.linalg.eigh(seen @ own.T)[1][:, : -rank - 1 : -1]
            parts[name + LEFT] = (left.T / spec.scale).astype(np.float32)
            parts[name + RIGHT] = (left.T @ own).astype(np.float32)
        else:
            parts[name] = own.astype(np.float32)
    adapter = Adapter(spec=spec, flat=flatten(spec.layout(), parts))
    return Cut(adapter=adapter, left_out=(change - adapter.change()[-len(change) :]).astype(np.float32))
