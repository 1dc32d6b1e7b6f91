"""Heads of simulated devices, many at once: each learns from its own training events, with the encoder as it came.

B devices, T positions, n items, d width.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from client.data.sequences import Sequences, last, select
from client.device.device_head import DeviceHead, HeadExamples, trained
from client.device.head_training import HeadSettings
from client.training.batches import Windows, last_items
from client.training.sequence_model import SequenceHead, SequenceModel
from shared.encoder.encoder import Encoder
from shared.seeding import rng_for

Float32 = NDArray[np.float32]
START_COHORT, START_ROUNDS = 2_000, 3
"""devices whose mean head all others start from, and how often that mean is taken"""


@dataclass(frozen=True, eq=False, kw_only=True)
class EncodedCatalogue:
    """An encoder over the items, and how popular these are."""

    encoder: Encoder
    features: Float32
    """[n, D]"""
    prior: Float32
    """[n] log-popularity"""

    @cached_property
    def _model(self) -> SequenceModel:
        head = SequenceHead.initial(len(self.features), self.encoder.spec.architecture.width)
        return SequenceModel.over(self.encoder.sequence_module(), head, self.features).requires_grad_(False)

    @cached_property
    def vectors(self) -> torch.Tensor:
        """[n, d] items as the encoder has them."""
        return self._model.item_vectors(None)

    def last_states(self, histories: Sequences) -> Float32:
        """[B, d] after each history; 0 where it is empty."""
        states = np.zeros((len(histories), self.vectors.shape[1]), np.float32)
        known = np.flatnonzero(histories.lengths() > 0)
        if len(known):
            items, counts = last_items(histories, known, self._model.length)
            states[known] = self._model.history.last(self.vectors[items], counts).numpy()
        return states

    def examples(self, histories: Sequences, negatives: int, seed: int) -> tuple[HeadExamples, NDArray[np.int64]]:
        """What heads learn from.

        Args:
            histories: training events of devices.
            negatives: items that are drawn evenly to stand for the catalogue, alike for all.
            seed: of that draw.

        Returns:
            Examples of K heads, and [K] rows of the histories that have two events or more.
        """
        length = self._model.length
        windows = Windows.of(last(histories, np.arange(len(histories)), length + 1), length)
        batch = windows.batch(np.arange(len(windows.lengths)))
        states = self._model.history(self.vectors[batch.items]).numpy()
        targets, weights = np.zeros_like(batch.items), np.zeros(batch.items.shape, np.float32)
        targets.flat[batch.positions], weights.flat[batch.positions] = batch.targets, 1
        drawn = rng_for(seed, "head-negatives").integers(len(self.features), size=negatives)
        examples = HeadExamples.of_rows(
            states=states,
            targets=targets,
            weights=weights,
            drawn=drawn,
            vectors=self.vectors.numpy(),
            priors=self.prior,
            biases=np.zeros(len(self.features), np.float32),
        )
        return examples, np.flatnonzero(histories.lengths() > 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class DeviceHeads:
    """How devices' heads are learned."""

    catalogue: EncodedCatalogue
    settings: HeadSettings
    seed: int

    def start(self, histories: Sequences) -> DeviceHead:
        """The head that devices start from: scale and bias are the means of those that a few devices came to.

        A mean is all that is asked of them, as in a round, some times one after the other.

        Args:
            histories: training events of all devices.

        Returns:
            One head.
        """
        head = DeviceHead.initial(self.catalogue.vectors.shape[1], self.settings.rank)
        for number in range(START_ROUNDS):
            rng = rng_for(self.seed, "head-start", number)
            rows = rng.choice(len(histories), min(START_COHORT, len(histories)), replace=False)
            heads, trains = self.learned(head, select(histories, np.sort(rows)))
            if not len(trains):
                return head
            head = replace(
                head,
                scale=heads.scale[trains].mean(keepdims=True),
                bias=heads.bias[trains].mean(keepdims=True),
            )
        return head

    def learned(self, start: DeviceHead, histories: Sequences) -> tuple[DeviceHead, NDArray[np.int64]]:
        """Heads of devices.

        Args:
            start: one head.
            histories: training events of B devices.

        Returns:
            [B] heads, that of ``start`` for who has fewer than two events, and the rows of all others.
        """
        arrays = {name: np.repeat(array, len(histories), 0) for name, array in start.to_arrays().items()}
        examples, trains = self.catalogue.examples(histories, self.settings.negatives, self.seed)
        if len(trains):
            begun = DeviceHead.from_arrays({name: array[trains] for name, array in arrays.items()})
            heads = trained(
                begun, examples, steps=self.settings.steps, rate=self.settings.rate, shrink=self.settings.shrink
            )
            for name, array in heads.to_arrays().items():
                arrays[name][trains] = array
        return DeviceHead.from_arrays(arrays), trains
