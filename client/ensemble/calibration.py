"""From a scorer's raw scores to log-likelihood ratios: log p(item given history) − log(1/candidates), in nats.

p is a mixture whose weights are fitted by EM on events that the scorer's statistics have not seen:

- count-like: Σ_a π_a x^a/Σx^a + π_0/m over powers a (unseen counts keep the uniform part);
- similarity-like: Σ_τ π_τ softmax(τ·x/s) + π_0/m over temperatures τ, with s bringing x to the spread of a cosine.

m is the number of candidates: a sharp peak and a flat tail are both within reach.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from client.ensemble.ensemble_settings import DEFAULT, CalibrationSettings
from client.scorers.scorer import Kind

_TINY = 1e-30


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """One column's calibration; at most eight numbers."""

    kind: Kind
    mixture: tuple[float, ...]
    """weights of the components, the uniform one last; they sum to 1"""
    scale: float = 1.0
    """what raw scores are multiplied by first (similarity-like)"""
    settings: CalibrationSettings = DEFAULT.calibration
    """whose components the mixture weighs"""

    def log_ratio(self, scores: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        """Log-likelihood ratios of raw scores.

        Args:
            scores: [B, n] raw scores of the column.
            candidates: [B, n] False for items out of the ranking.

        Returns:
            [B, n] in nats; 0 where ``candidates`` is False.
        """
        m = candidates.sum(1, keepdim=True).clamp(min=1)
        total = torch.full_like(scores, self.mixture[-1])
        parts = _components(self.settings.of(self.kind), self.kind, scores, candidates, self.scale)
        for weight, (values, sums) in zip(self.mixture, parts, strict=False):
            total.addcmul_(values, m * weight / sums)
        return total.clamp_(min=_TINY).log_().masked_fill_(~candidates, 0.0)

    def to_json(self) -> dict[str, Any]:
        """As plain numbers and words; components other than the usual ones are named, and not read back."""
        values = {"kind": str(self.kind), "mixture": list(self.mixture), "scale": self.scale}
        components = self.settings.of(self.kind)
        return values if components == DEFAULT.calibration.of(self.kind) else {**values, "components": components}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Calibration":
        """The inverse of ``to_json``; raises KeyError, TypeError or ValueError for anything else."""
        kind = Kind(values["kind"])
        mixture = tuple(float(weight) for weight in values["mixture"])
        scale = float(values["scale"])
        expected = len(DEFAULT.calibration.of(kind)) + 1
        if "components" in values:
            raise ValueError(f"expected the usual components of a {kind} calibration; got {values['components']}")
        if len(mixture) != expected or not np.isfinite([*mixture, scale]).all() or min(mixture) < 0:
            raise ValueError(f"a {kind} calibration has {expected} weights, none negative, and a finite scale")
        return cls(kind=kind, mixture=mixture, scale=scale)


def spread_scale(
    scores: torch.Tensor, candidates: torch.Tensor, settings: CalibrationSettings = DEFAULT.calibration
) -> float:
    """What brings scores to the spread of ``settings``: that over the mean over rows of their deviation.

    Args:
        scores: [B, n] raw scores.
        candidates: [B, n] False for items out of the ranking, which count nothing.
        settings: the spread.

    Returns:
        What scores are multiplied by; 1 where they do not vary.
    """
    m = candidates.sum(1).clamp(min=1)
    mean = (scores * candidates).sum(1) / m
    deviation = (((scores - mean[:, None]) * candidates).square().sum(1) / m).sqrt().mean().item()
    return settings.spread / deviation if deviation > 0 else 1.0


def target_probabilities(
    kind: Kind,
    scores: torch.Tensor,
    candidates: torch.Tensor,
    target: torch.Tensor,
    scale: float,
    settings: CalibrationSettings = DEFAULT.calibration,
) -> NDArray[np.float64]:
    """The probability of each example's target under each component.

    Args:
        kind: of the column; it says which components there are.
        scores: [B, n] raw scores.
        candidates: [B, n] False for items out of the ranking.
        target: [B] rows of the catalogue.
        scale: what similarity-like scores are multiplied by first.
        settings: the components.

    Returns:
        [B, components], the uniform one last.
    """
    target_column = target[:, None]
    components = _components(settings.of(kind), kind, scores, candidates, scale)
    parts = [values.gather(1, target_column) / sums for values, sums in components]
    uniform = 1.0 / candidates.sum(1, keepdim=True).clamp(min=1)
    return torch.cat([*parts, uniform], dim=1).double().numpy()


def fit_mixture(
    kind: Kind, probabilities: NDArray[np.float64], scale: float, settings: CalibrationSettings = DEFAULT.calibration
) -> Calibration:
    """EM for the weights of fixed components (Dempster, Laird, Rubin 1977).

    Args:
        kind: of the column.
        probabilities: [N, components] of the targets, the uniform component last, as ``target_probabilities`` has them.
        scale: what similarity-like scores were multiplied by; the calibration keeps it.
        settings: steps of EM, and the examples that each component is given before the first.

    Returns:
        The calibration.
    """
    count = probabilities.shape[1]
    mixture = np.full(count, 1.0 / count)
    for _ in range(settings.steps):
        joint = probabilities * mixture
        share = joint / np.maximum(joint.sum(1, keepdims=True), _TINY)
        mixture = (share.sum(0) + settings.prior) / (len(probabilities) + settings.prior * count)
    return Calibration(kind=kind, mixture=tuple(mixture.tolist()), scale=scale, settings=settings)


def _components(
    powers: Sequence[float], kind: Kind, scores: torch.Tensor, candidates: torch.Tensor, scale: float
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(values [B, n], their sums [B, 1]) of every component but the uniform one; 0 outside the candidates.

    Each is the square of the one before and is written over it: powers of counts double, and so do temperatures.
    """
    if kind is Kind.COUNT:
        values = (scores.clamp(min=0) * candidates).pow_(powers[0])
    else:
        values = (scores * scale).masked_fill_(~candidates, -torch.inf)
        values.sub_(values.amax(1, keepdim=True).clamp(min=-1e30)).mul_(powers[0]).exp_()
    for power in powers:
        if power != powers[0]:
            values.square_()
        yield values, values.sum(1, keepdim=True).clamp_(min=_TINY)
