"""How likely a linear scorer beside content makes the next item: a steadier measure than a ranking's.

Scores of content and of the map are standardised over a sample of items and weighed by temperatures, which are fitted
on one half of the users and judged on the other, both ways.
"""

import numpy as np
from numpy.typing import NDArray

from client.data.held_out import Stage
from client.data.platform import examples
from client.features.prepared_platform import PreparedPlatform
from client.scorers.scorer import HistoryBatch
from client.training.moments import DECAY
from shared.encoder.linear import LinearMap

NEGATIVES = 1_500
STEPS = 12
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


class NextItems:
    """The validation and test events of a platform's users; N events, K items drawn, D feature dim."""

    def __init__(self, prepared: PreparedPlatform, seed: int) -> None:
        platform = prepared.platform
        rng = np.random.default_rng(seed)
        both = [examples(platform, stage, np.arange(platform.n_users)) for stage in (Stage.VALIDATION, Stage.TEST)]
        self._features = prepared.features
        batches = [
            HistoryBatch(held_out.histories, platform.n_items).mean(DECAY, prepared.features) for held_out in both
        ]
        self._queries: Float32 = np.concatenate(batches)
        self._targets = np.concatenate([held_out.targets for held_out in both])
        self._drawn = rng.choice(platform.n_items, min(NEGATIVES, platform.n_items), replace=False)
        self._fold = (rng.permutation(platform.n_users) % 2)[np.concatenate([held_out.users for held_out in both])]
        self._content = self._standardised(self._queries)
        self._alone = self._log_likelihood([self._content])

    def judged(self, linear: LinearMap) -> dict[str, float]:
        """The gain in nats over content alone."""
        with_map = self._log_likelihood([self._content, self._standardised(linear.mapped(self._queries))])
        return {"nats": float((with_map - self._alone).mean()), "content_nats": float(self._alone.mean())}

    def _standardised(self, mapped: Float32) -> Float32:
        """[N, 1 + K] scores of the next item and of those drawn, their mean 0 and spread 1 over those drawn."""
        scores = mapped @ self._features[self._drawn].T
        target = np.einsum("nd,nd->n", mapped, self._features[self._targets])
        mean, spread = scores.mean(1, keepdims=True), scores.std(1, keepdims=True) + 1e-12
        return np.asarray((np.concatenate([target[:, None], scores], 1) - mean) / spread, np.float32)

    def _log_likelihood(self, columns: list[Float32]) -> Float64:
        """[N] log p(next item) against one of all items, under temperatures of the other half."""
        likelihoods = np.zeros(len(self._targets))
        for fold in (0, 1):
            other, inside = self._fold != fold, self._fold == fold
            weights = self._fitted([column[other] for column in columns])
            likelihoods[inside] = self._logs([column[inside] for column in columns], weights)[0]
        return np.asarray(likelihoods + np.log(len(self._features)))

    def _logs(self, columns: list[Float32], weights: Float64) -> tuple[Float64, Float64]:
        """Log p of the first [N], and p of all [N, 1 + K]; each drawn item stands for its share of the catalogue."""
        logits = sum(weight * column.astype(np.float64) for weight, column in zip(weights, columns, strict=True))
        logits = np.asarray(logits)
        logits[:, 1:] += np.log((len(self._features) - 1) / len(self._drawn))
        logits -= logits.max(1, keepdims=True)
        p = np.exp(logits)
        total = p.sum(1, keepdims=True)
        return np.asarray(logits[:, 0] - np.log(total[:, 0])), np.asarray(p / total)

    def _fitted(self, columns: list[Float32]) -> Float64:
        """Temperatures of the largest likelihood, by Newton's method."""
        weights = np.full(len(columns), 0.5 / len(columns))
        for _ in range(STEPS):
            _, p = self._logs(columns, weights)
            means = [(p * column).sum(1) for column in columns]
            slope = np.array([(column[:, 0] - mean).mean() for column, mean in zip(columns, means, strict=True)])
            curve = [
                [((p * left * right).sum(1) - a * b).mean() for right, b in zip(columns, means, strict=True)]
                for left, a in zip(columns, means, strict=True)
            ]
            step = np.linalg.solve(np.array(curve) + 1e-4 * np.eye(len(columns)), slope)
            weights = weights + step * min(1.0, 0.5 / max(np.abs(step).max(), 1e-9))
            if np.abs(step).max() < 1e-3:
                break
        return weights
