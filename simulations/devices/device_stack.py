"""What a device ranks by: its head, popularity, and what the encoder's linear part and content make of its history.

All devices weigh these columns alike. The weights are those under which the last training event of some devices is
likeliest among drawn items (conditional logit; McFadden 1974). A device gives the gradient of its loss and the second
derivatives at the weights that it is sent, and the loss, 1 + c + c² numbers; a step of Newton's goes along their sums.

B devices, m drawn items, n items, D input dim, c columns.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from client.data.sequences import Sequences, select, take
from client.device.device_head import DeviceHead
from client.scorers.scorer import HistoryBatch
from client.training.moments import DECAY
from shared.seeding import rng_for
from simulations.devices.device_heads import DeviceHeads

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
CONTENT_DECAYS = (0.0, 0.6, 1.0)
"""of a history's items with their age, in the cosine to its decayed mean"""
COLUMNS = ("head", "popularity", "linear", *(f"content-knn-{decay:g}" for decay in CONTENT_DECAYS))
ASKED, NEGATIVES, STEPS = 2_000, 512, 8
"""devices whose sums give the weights, items that stand for the catalogue, and steps of Newton's"""
HALVINGS = 10
"""of a step, at the most"""
RIDGE = 1e-3
"""of the mean loss, on weights of columns of spread 1: for columns that say nothing"""


@dataclass(frozen=True, eq=False, kw_only=True)
class DeviceStack:
    """The columns, with one weight each."""

    heads: DeviceHeads
    start: DeviceHead
    """that every device's head starts from"""
    weights: Float32
    """[c]"""

    def scores(self, own: DeviceHead, states: Float32, histories: Sequences) -> Float32:
        """Of all items.

        Args:
            own: B heads.
            states: [B, d] of the histories.
            histories: all that is known of B devices.

        Returns:
            [B, n].
        """
        catalogue, (of_head, of_prior) = self.heads.catalogue, self.weights[:2]
        moved = (of_head * own.scale)[:, None] * own.moved(states[:, None])[:, 0]
        queries = np.einsum("bcd,c->bd", self._queries(histories), self.weights[2:])
        prior = ((of_head * own.bias)[:, None] + of_prior) * catalogue.prior
        return np.asarray(moved @ catalogue.vectors.numpy().T + queries @ catalogue.features.T + prior, np.float32)

    @classmethod
    def fitted(cls, heads: DeviceHeads, start: DeviceHead, histories: Sequences) -> "DeviceStack":
        """With weights by the sums of some devices.

        Args:
            heads: how heads are learned.
            start: that every device's head starts from.
            histories: training events of all devices.

        Returns:
            The stack; that of the head alone where no device has three events.
        """
        alone = cls(heads=heads, start=start, weights=np.eye(1, len(COLUMNS), dtype=np.float32)[0])
        able = np.flatnonzero(histories.lengths() > 2)
        if not len(able):
            return alone
        drawn = rng_for(heads.seed, "stack-devices").choice(able, min(ASKED, len(able)), replace=False)
        columns, stands = alone._last_events(select(histories, np.sort(drawn)))
        spread = np.maximum(columns.std((0, 1)), 1e-9)
        return replace(alone, weights=np.asarray(_likeliest(columns / spread, stands) / spread, np.float32))

    def _last_events(self, histories: Sequences) -> tuple[Float64, Float64]:
        """Columns [B, 1 + m, c] of each device's last event and of drawn items, before it; heads have not seen it.

        Beside them [B, 1 + m] the log of how many items each stands for.
        """
        catalogue = self.heads.catalogue
        everybody, counts = np.arange(len(histories)), histories.lengths() - 1
        before, items = take(histories, everybody, counts), histories.items[histories.offsets[:-1] + counts]
        drawn = rng_for(self.heads.seed, "stack-items").integers(len(catalogue.features), size=NEGATIVES)
        rows = np.concatenate([items[:, None], np.broadcast_to(drawn, (len(items), NEGATIVES))], 1)
        own, _ = self.heads.learned(self.start, before)
        states = catalogue.last_states(before)
        moved = own.scale[:, None] * own.moved(states[:, None])[:, 0]
        of_head = np.einsum("bd,bmd->bm", moved, catalogue.vectors.numpy()[rows])
        of_head += own.bias[:, None] * catalogue.prior[rows]
        products = np.einsum("bcd,bmd->bmc", self._queries(before), catalogue.features[rows])
        columns = np.concatenate([of_head[..., None], catalogue.prior[rows][..., None], products], 2)
        stands = np.full(rows.shape, np.log((len(catalogue.features) - 1) / NEGATIVES))
        stands[:, 0] = 0
        stands[:, 1:][drawn[None] == items[:, None]] = -np.inf
        return columns.astype(np.float64), stands

    def _queries(self, histories: Sequences) -> Float32:
        """[B, c − 2, D] vectors whose products with items' are the columns after the first two, but for constants."""
        catalogue = self.heads.catalogue
        batch = HistoryBatch(histories, len(catalogue.features))
        means = [np.asarray(batch.mean(decay, catalogue.features), np.float32) for decay in CONTENT_DECAYS]
        mapped = catalogue.encoder.linear().mapped(np.asarray(batch.mean(DECAY, catalogue.features)))
        return np.stack([mapped, *means], 1)


def _likeliest(columns: Float64, stands: Float64) -> Float64:
    """[c] weights under which first places are likeliest among all [B, 1 + m, c], by sums over B.

    A step that makes the mean loss larger is halved: the next sum tells it.
    """
    weights: Float64 = np.zeros(columns.shape[2])
    loss, gradient, second = _sums(columns, stands, weights)
    for _ in range(STEPS):
        step = np.linalg.solve(second, gradient)
        for _ in range(HALVINGS):
            there = _sums(columns, stands, weights - step)
            if there[0] <= loss:
                weights, (loss, gradient, second) = weights - step, there
                break
            step = step / 2
    return weights


def _sums(columns: Float64, stands: Float64, weights: Float64) -> tuple[float, Float64, Float64]:
    """The mean loss of devices at these weights, with the ridge, its gradient [c] and second derivatives [c, c]."""
    scores = columns @ weights + stands
    scores -= scores.max(1, keepdims=True)
    shares = np.exp(scores)
    sums = shares.sum(1, keepdims=True)
    shares /= sums
    means = np.einsum("bm,bmc->bc", shares, columns)
    loss = (np.log(sums[:, 0]) - scores[:, 0]).mean() + RIDGE / 2 * (weights @ weights)
    gradient = (means - columns[:, 0]).mean(0) + RIDGE * weights
    second = np.einsum("bm,bmc,bmd->cd", shares, columns, columns, optimize=True) / len(columns)
    second += RIDGE * np.eye(len(weights)) - means.T @ means / len(columns)
    return float(loss), gradient, second
