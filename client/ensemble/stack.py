"""The stack: a platform's weights over its scorers' log-lifts (stacked generalisation, Wolpert 1992).

s(u, i) = Σ_r w_r z_r(u, i). Weights minimise the cross-entropy of the target over the catalogue plus
λ/2 ‖w − w₀‖²; w₀ is uniform, the weights fitted before a scorer was added, or those of ``zero-shot``. The
catalogue is stood for by each example's hardest negatives under uniform weights, exactly, and a random sample of the
rest with its log-weight.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from client.ensemble.ensemble_settings import StackSettings

_NEWTON_STEPS = 12
Fit = tuple[float, torch.Tensor, torch.Tensor]
"""An objective at P weights: its value, gradient [P] and Hessian [P, P]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class StackExamples:
    """N examples, each with its target first and S − 1 negatives, seen through R columns."""

    lifts: torch.Tensor
    """[N, S, R] log-lifts"""
    log_weights: torch.Tensor
    """[N, S] log of how many items each column entry stands for; −inf where it stands for none"""

    def __len__(self) -> int:
        return len(self.lifts)

    def only(self, rows: NDArray[np.bool_]) -> "StackExamples":
        """The examples where ``rows`` [N] is True."""
        if rows.all():
            return self
        chosen = torch.from_numpy(np.flatnonzero(rows))
        return StackExamples(lifts=self.lifts[chosen], log_weights=self.log_weights[chosen])


def sample_examples(
    lifts: torch.Tensor,
    candidates: torch.Tensor,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    guide: int,
    settings: StackSettings,
) -> StackExamples:
    """From log-lifts [R, B, n] of one batch to its stack examples; hard ones by the mean of the first ``guide``."""
    allowed = candidates.clone()
    allowed.scatter_(1, targets[:, None], False)
    mean = lifts[:guide].mean(0).masked_fill(~allowed, -torch.inf)
    hard = mean.topk(min(settings.hard_negatives, mean.shape[1] - 1), dim=1)
    noise = torch.rand(allowed.shape, generator=generator)
    noise.masked_fill_(~allowed, -1.0).scatter_(1, hard.indices, -1.0)
    n_random = min(settings.random_negatives, mean.shape[1] - 1)
    drawn = noise.topk(n_random, dim=1)
    rest = (noise >= 0).sum(1, keepdim=True)
    stands_for = torch.log(rest / rest.clamp(max=n_random)).expand(-1, n_random)
    chosen = torch.cat([targets[:, None], hard.indices, drawn.indices], dim=1)
    log_weights = torch.cat(
        [
            torch.zeros(len(targets), 1),
            torch.zeros(hard.values.shape).masked_fill_(hard.values == -torch.inf, -torch.inf),
            stands_for.masked_fill(drawn.values < 0, -torch.inf),
        ],
        dim=1,
    )
    picked = lifts.gather(2, chosen.expand(len(lifts), -1, -1))
    return StackExamples(lifts=picked.permute(1, 2, 0).contiguous(), log_weights=log_weights)


def concatenate(parts: list[StackExamples]) -> StackExamples:
    """All examples of all batches."""
    return StackExamples(
        lifts=torch.cat([part.lifts for part in parts]), log_weights=torch.cat([part.log_weights for part in parts])
    )


def fit_path(
    examples: StackExamples,
    anchors: Sequence[NDArray[np.float64]],
    columns: NDArray[np.bool_],
    pulls: Sequence[float],
) -> list[NDArray[np.float64]]:
    """[R] weights for each of ``pulls``, which rise, each pulled to its anchor w₀ [R].

    Only ``columns`` [R] are free; the weights of all others must be 0 in the anchors.
    """
    used = torch.from_numpy(np.flatnonzero(columns))
    narrow = StackExamples(lifts=examples.lifts[:, :, used].contiguous(), log_weights=examples.log_weights)
    path = []
    begin = anchors[-1][columns]
    for pull, anchor in reversed(list(zip(pulls, anchors, strict=True))):
        begin = fit_weights(narrow, anchor[columns], pull, begin)
        weights = np.zeros(len(columns))
        weights[columns] = begin
        path.append(weights)
    return path[::-1]


def fit_weights(
    examples: StackExamples, anchor: NDArray[np.float64], pull: float, begin: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """[R] weights by Newton's method with step halving; the objective is convex.

    Args:
        examples: what to fit on.
        anchor: w₀ [R].
        pull: λ, in nats per squared weight.
        begin: where the search begins [R]; at the anchor where None.
    """
    return minimise(lambda weights: cross_entropy(examples, weights), anchor, pull, anchor if begin is None else begin)


def minimise(
    loss: Callable[[torch.Tensor], Fit], anchor: NDArray[np.float64], pull: float, begin: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[P] weights of the least ``loss`` plus the pull to the anchor, from ``begin`` on; see ``fit_weights``."""
    start, weights = torch.from_numpy(anchor), torch.from_numpy(begin).clone()
    value, gradient, hessian = _pulled(loss(weights), weights - start, pull)
    for _ in range(_NEWTON_STEPS):
        step = torch.linalg.solve(hessian, gradient)
        if float(step.abs().max()) < 1e-4:
            break
        for _ in range(6):
            trial = _pulled(loss(weights - step), weights - step - start, pull)
            if trial[0] <= value:
                break
            step /= 2
        weights = weights - step
        value, gradient, hessian = trial
    return weights.numpy()


def _pulled(fit: Fit, offset: torch.Tensor, pull: float) -> Fit:
    """A loss with λ/2 ‖offset‖² on top."""
    value, gradient, hessian = fit
    added = pull * torch.eye(len(offset), dtype=torch.float64)
    return value + pull / 2 * float(offset @ offset), gradient + pull * offset, hessian + added


def cross_entropy(examples: StackExamples, weights: torch.Tensor) -> Fit:
    """Its mean over the examples, under weights [R]."""
    lifts = examples.lifts
    logits = lifts @ weights.float() + examples.log_weights
    log_partition = logits.logsumexp(1)
    probabilities = (logits - log_partition[:, None]).exp()
    mean = torch.einsum("ns,nsr->nr", probabilities, lifts)
    scaled = (lifts * probabilities.sqrt()[:, :, None]).reshape(-1, lifts.shape[2])
    hessian = (scaled.T @ scaled - mean.T @ mean).double() / len(lifts)
    gradient = (mean - lifts[:, 0]).double().mean(0)
    return float((log_partition - logits[:, 0]).double().mean()), gradient, hessian
