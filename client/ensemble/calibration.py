"""From a scorer's raw scores to log-lifts: log p(item given history) − log(1/candidates), in nats.

p is a mixture whose weights are fitted by EM on events that the scorer's statistics have not seen:

- count-like: Σ_a π_a x^a/Σx^a + π_0/m, a = 1/2, 1, 2 (unseen counts keep the uniform part);
- similarity-like: Σ_τ π_τ softmax(τ·x/s) + π_0/m, τ = 2..64, with s bringing x to the spread of a cosine.

m is the number of candidates: a sharp peak and a flat tail are both within reach.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from client.scorers.scorer import Kind

TEMPERATURES = (2, 4, 8, 16, 32, 64)
POWERS = (0.5, 1.0, 2.0)
COSINE_SPREAD = 0.1
_EM_STEPS = 100
_PRIOR = 0.5
_TINY = 1e-30


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """One column's calibration; at most eight numbers."""

    kind: Kind
    mixture: tuple[float, ...]
    """weights of the components, the uniform one last; they sum to 1"""
    scale: float = 1.0
    """what raw scores are multiplied by first (similarity-like)"""

    def log_lift(self, scores: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        """[B, n] raw scores to log-lifts; ``candidates`` [B, n] is False for items out of the ranking (0 there)."""
        m = candidates.sum(1, keepdim=True).clamp(min=1)
        total = torch.full_like(scores, self.mixture[-1])
        parts = _components(self.kind, scores, candidates, self.scale)
        for weight, (values, sums) in zip(self.mixture, parts, strict=False):
            total.addcmul_(values, m * weight / sums)
        return total.clamp_(min=_TINY).log_().masked_fill_(~candidates, 0.0)

    def to_json(self) -> dict[str, Any]:
        """As plain numbers and words."""
        return {**asdict(self), "kind": str(self.kind), "mixture": list(self.mixture)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Calibration":
        """The inverse of ``to_json``; raises KeyError, TypeError or ValueError for anything else."""
        kind = Kind(values["kind"])
        mixture = tuple(float(weight) for weight in values["mixture"])
        scale = float(values["scale"])
        expected = len(POWERS if kind is Kind.COUNT else TEMPERATURES) + 1
        if len(mixture) != expected or not np.isfinite([*mixture, scale]).all() or min(mixture) < 0:
            raise ValueError(f"a {kind} calibration has {expected} weights, none negative, and a finite scale")
        return cls(kind=kind, mixture=mixture, scale=scale)


def spread_scale(scores: torch.Tensor, candidates: torch.Tensor) -> float:
    """What brings scores [B, n] to the spread of a cosine between texts: 0.1 / (mean over rows of their deviation)."""
    m = candidates.sum(1).clamp(min=1)
    mean = (scores * candidates).sum(1) / m
    deviation = (((scores - mean[:, None]) * candidates).square().sum(1) / m).sqrt().mean().item()
    return COSINE_SPREAD / deviation if deviation > 0 else 1.0


def target_probabilities(
    kind: Kind, scores: torch.Tensor, candidates: torch.Tensor, target: torch.Tensor, scale: float
) -> NDArray[np.float64]:
    """[B, components] the probability of each example's target under each component, the uniform one last."""
    wanted = target[:, None]
    parts = [values.gather(1, wanted) / sums for values, sums in _components(kind, scores, candidates, scale)]
    uniform = 1.0 / candidates.sum(1, keepdim=True).clamp(min=1)
    return torch.cat([*parts, uniform], dim=1).double().numpy()


def fit_mixture(kind: Kind, probabilities: NDArray[np.float64], scale: float) -> Calibration:
    """EM for the weights of fixed components (Dempster, Laird, Rubin 1977), from probabilities [N, components]."""
    count = probabilities.shape[1]
    mixture = np.full(count, 1.0 / count)
    for _ in range(_EM_STEPS):
        joint = probabilities * mixture
        share = joint / np.maximum(joint.sum(1, keepdims=True), _TINY)
        mixture = (share.sum(0) + _PRIOR) / (len(probabilities) + _PRIOR * count)
    return Calibration(kind=kind, mixture=tuple(mixture.tolist()), scale=scale)


def _components(
    kind: Kind, scores: torch.Tensor, candidates: torch.Tensor, scale: float
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(values [B, n], their sums [B, 1]) of every component but the uniform one; 0 outside the candidates.

    Each is the square of the one before and is written over it: the powers of counts double, and so do temperatures.
    """
    if kind is Kind.COUNT:
        values = (scores.clamp(min=0) * candidates).sqrt_()
    else:
        values = (scores * scale).masked_fill_(~candidates, -torch.inf)
        values.sub_(values.amax(1, keepdim=True).clamp(min=-1e30)).mul_(TEMPERATURES[0]).exp_()
    powers = POWERS if kind is Kind.COUNT else TEMPERATURES
    for power in powers:
        if power != powers[0]:
            values.square_()
        yield values, values.sum(1, keepdim=True).clamp_(min=_TINY)
