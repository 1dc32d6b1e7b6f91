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

    def log_ratio(
        self,
        scores: torch.Tensor,
        weights: torch.Tensor,
        masses: torch.Tensor | None = None,
        out: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Log-likelihood ratios of raw scores.

        Args:
            scores: [B, M] raw scores of the column at the items that are looked at; M is n where these are all.
            weights: [B, M] how many items each stands for, 0 for one out of the ranking; or True for one that stands
                for itself.
            masses: [B, components] sums of each component over all candidates; None where what is looked at tells them.
            out: [B, M] float32 that is written over and returned; None makes it.

        Returns:
            [B, M] in nats; 0 where an item is out of the ranking.
        """
        m = weights.sum(1, keepdim=True).clamp(min=1)
        total = (torch.empty_like(scores) if out is None else out).fill_(self.mixture[-1])
        parts = _components(self.settings.of(self.kind), self.kind, scores, weights, self.scale, masses)
        for weight, (values, sums) in zip(self.mixture, parts, strict=False):
            total.addcmul_(values, m * weight / sums)
        return total.clamp_(min=_TINY).log_().masked_fill_(out_of_ranking(weights), 0.0)

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


def out_of_ranking(weights: torch.Tensor) -> torch.Tensor:
    """[B, M] True where an item that stands for this many may not be recommended."""
    return ~weights if weights.dtype == torch.bool else weights == 0  # comparing truth values takes 30 times as long


def spread_scale(
    scores: torch.Tensor, weights: torch.Tensor, settings: CalibrationSettings = DEFAULT.calibration
) -> float:
    """What brings scores to the spread of ``settings``: that over the mean over rows of their deviation.

    Args:
        scores: [B, M] raw scores.
        weights: [B, M] how many items each stands for, or True for itself; one out of the ranking counts nothing.
        settings: the spread.

    Returns:
        What scores are multiplied by; 1 where they do not vary.
    """
    m = weights.sum(1).clamp(min=1)
    mean = (scores * weights).sum(1) / m
    deviation = ((scores - mean[:, None]).square().mul(weights).sum(1) / m).sqrt().mean().item()
    return settings.spread / deviation if deviation > 0 else 1.0


def target_probabilities(
    kind: Kind,
    scores: torch.Tensor,
    weights: torch.Tensor,
    target: torch.Tensor,
    scale: float,
    settings: CalibrationSettings = DEFAULT.calibration,
    masses: torch.Tensor | None = None,
) -> NDArray[np.float64]:
    """The probability of each example's target under each component.

    Args:
        kind: of the column; it says which components there are.
        scores: [B, M] raw scores.
        weights: [B, M] how many items each stands for, or True for itself; 0 for one out of the ranking.
        target: [B] places among the M.
        scale: what similarity-like scores are multiplied by first.
        settings: the components.
        masses: as ``Calibration.log_ratio`` takes them.

    Returns:
        [B, components], the uniform one last.
    """
    target_column = target[:, None]
    components = _components(settings.of(kind), kind, scores, weights, scale, masses)
    parts = [values.gather(1, target_column) / sums for values, sums in components]
    uniform = 1.0 / weights.sum(1, keepdim=True).clamp(min=1)
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
    powers: Sequence[float],
    kind: Kind,
    scores: torch.Tensor,
    weights: torch.Tensor,
    scale: float,
    masses: torch.Tensor | None,
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(values [B, M], their sums over all candidates [B, 1]) of every component but the uniform one; 0 outside them.

    Each is the square of the one before and is written over it: powers of counts double, and so do temperatures.
    """
    is_out = out_of_ranking(weights)
    if kind is Kind.COUNT:
        values = scores.clamp(min=0).masked_fill_(is_out, 0.0).pow_(powers[0])
    else:
        values = (scores * scale).masked_fill_(is_out, -torch.inf)
        values.sub_(values.amax(1, keepdim=True).clamp(min=-1e30)).mul_(powers[0]).exp_()
    for place, power in enumerate(powers):
        if power != powers[0]:
            values.square_()
        if masses is not None:
            sums = masses[:, place, None]
        elif weights.dtype == torch.bool:
            sums = values.sum(1, keepdim=True)
        else:
            sums = torch.linalg.vecdot(values, weights)[:, None]
        yield values, sums.clamp(min=_TINY)
