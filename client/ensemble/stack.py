"""The stack: a platform's weights over its scorers' log-likelihood ratios (stacked generalisation, Wolpert 1992).

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
from torch.nn import functional

from client.ensemble.ensemble_settings import StackSettings
from client.ensemble.shortlist import Shortlist

_NEWTON_STEPS, _LAST_STEP = 12, 3e-3
"""most steps, and the size of one behind which the next would be about its square: nobody looks whether it is needed"""
_AT_ONCE = 128
"""examples whose log-ratios stay near the processor while they are read twice"""
Fit = tuple[float, torch.Tensor, torch.Tensor]
"""An objective at P weights: its value, gradient [P] and Hessian [P, P]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class StackExamples:
    """N examples, each with its target first and S − 1 negatives, seen through R columns."""

    log_ratios: torch.Tensor
    """[N, R, S] calibrated log-likelihood ratios"""
    log_weights: torch.Tensor
    """[N, S] log of how many items each column entry stands for; −inf where it stands for none"""

    def __len__(self) -> int:
        return len(self.log_ratios)

    def only(self, rows: NDArray[np.bool_]) -> "StackExamples":
        """The examples where ``rows`` [N] is True."""
        if rows.all():
            return self
        chosen = torch.from_numpy(np.flatnonzero(rows))
        return StackExamples(log_ratios=self.log_ratios[chosen], log_weights=self.log_weights[chosen])

    def of_columns(self, columns: NDArray[np.bool_]) -> "StackExamples":
        """The examples seen through the columns alone where ``columns`` [R] is True."""
        used = torch.from_numpy(np.flatnonzero(columns))
        return StackExamples(log_ratios=self.log_ratios[:, used], log_weights=self.log_weights)


def sample_examples(
    log_ratios: torch.Tensor,
    shortlist: Shortlist,
    targets: torch.Tensor,
    generator: torch.Generator,
    *,
    guide: int,
    settings: StackSettings,
) -> StackExamples:
    """Stack examples of a batch of log-likelihood ratios.

    Negatives are the hardest that stand for themselves, and some drawn from all others, an item that stands for w with
    w times the chance of one that stands for itself.

    Args:
        log_ratios: [R, B, M] in nats.
        shortlist: the M items that were looked at.
        targets: [B] places among the M.
        generator: draws the random negatives.
        guide: how many of the first columns say by their mean which negatives are hard.
        settings: how many negatives of each kind.

    Returns:
        B examples.
    """
    weights = shortlist.weights.float().scatter(1, targets[:, None], 0.0)
    mean = log_ratios[:guide].mean(0).masked_fill(weights != 1, -torch.inf)
    hard = mean.topk(min(settings.hard_negatives, mean.shape[1] - 1), dim=1)
    rest = weights.scatter(1, hard.indices, 0.0)
    noise = torch.rand(rest.shape, generator=generator)
    if not shortlist.is_whole:
        noise = noise.pow(1 / rest.clamp(min=1e-6))  # the largest keys: without replacement (Efraimidis, Spirakis 2006)
    noise.masked_fill_(rest == 0, -1.0)
    n_random = min(settings.random_negatives, mean.shape[1] - 1)
    drawn = noise.topk(n_random, dim=1)
    n_drawn = (drawn.values >= 0).sum(1, keepdim=True).clamp(min=1)
    stands_for = torch.log((rest.sum(1, keepdim=True) / n_drawn).clamp(min=1)).expand(-1, n_random)
    chosen = torch.cat([targets[:, None], hard.indices, drawn.indices], dim=1)
    log_weights = torch.cat(
        [
            torch.zeros(len(targets), 1),
            torch.zeros(hard.values.shape).masked_fill_(hard.values == -torch.inf, -torch.inf),
            stands_for.masked_fill(drawn.values < 0, -torch.inf),
        ],
        dim=1,
    )
    if not shortlist.is_whole:  # shortlists of several batches differ in length
        missing = 1 + settings.hard_negatives + settings.random_negatives - chosen.shape[1]
        chosen = functional.pad(chosen, (0, missing))
        log_weights = functional.pad(log_weights, (0, missing), value=-torch.inf)
    picked = log_ratios.gather(2, chosen.expand(len(log_ratios), -1, -1))
    return StackExamples(log_ratios=picked.transpose(0, 1).contiguous(), log_weights=log_weights)


def concatenate(parts: list[StackExamples]) -> StackExamples:
    """All examples of all batches."""
    return StackExamples(
        log_ratios=torch.cat([part.log_ratios for part in parts]),
        log_weights=torch.cat([part.log_weights for part in parts]),
    )


def fit_path(
    examples: StackExamples,
    anchors: Sequence[NDArray[np.float64]],
    columns: NDArray[np.bool_],
    l2_strengths: Sequence[float],
) -> list[NDArray[np.float64]]:
    """Fit weights for each L2 strength.

    Args:
        examples: what to fit on.
        anchors: w₀ [R], to which the weights are shrunk, for each L2 strength.
        columns: [R] that are free; the weights of all others must be 0 in the anchors.
        l2_strengths: λ, in nats per squared weight; they rise.

    Returns:
        Weights [R], one for each of ``l2_strengths``.
    """
    narrow = examples.of_columns(columns)
    path = []
    begin = anchors[-1][columns]
    for l2_strength, anchor in reversed(list(zip(l2_strengths, anchors, strict=True))):
        begin = fit_weights(narrow, anchor[columns], l2_strength, begin)
        weights = np.zeros(len(columns))
        weights[columns] = begin
        path.append(weights)
    return path[::-1]


def fit_weights(
    examples: StackExamples, anchor: NDArray[np.float64], l2_strength: float, begin: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """[R] weights by Newton's method with step halving; the objective is convex.

    Args:
        examples: what to fit on.
        anchor: w₀ [R].
        l2_strength: λ, in nats per squared weight.
        begin: where the search begins [R]; at the anchor where None.
    """
    return minimise(
        lambda weights: cross_entropy(examples, weights), anchor, l2_strength, anchor if begin is None else begin
    )


def minimise(
    loss: Callable[[torch.Tensor], Fit], anchor: NDArray[np.float64], l2_strength: float, begin: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights of the least ``loss`` plus λ/2 times the squared distance to the anchor; see ``fit_weights``.

    Args:
        loss: convex; at P weights its value, gradient and Hessian.
        anchor: w₀ [P].
        l2_strength: λ, in nats per squared weight.
        begin: [P] where the search begins.

    Returns:
        [P] weights.
    """
    start, weights = torch.from_numpy(anchor), torch.from_numpy(begin).clone()
    value, gradient, hessian = _penalised(loss(weights), weights - start, l2_strength)
    for _ in range(_NEWTON_STEPS):
        step = torch.linalg.solve(hessian, gradient)
        if float(step.abs().max()) < _LAST_STEP:
            weights = weights - step
            break
        for _ in range(6):
            trial = _penalised(loss(weights - step), weights - step - start, l2_strength)
            if trial[0] <= value:
                break
            step /= 2
        weights = weights - step
        value, gradient, hessian = trial
    return weights.numpy()


def _penalised(fit: Fit, offset: torch.Tensor, l2_strength: float) -> Fit:
    """A loss with λ/2 ‖offset‖² on top."""
    value, gradient, hessian = fit
    added = l2_strength * torch.eye(len(offset), dtype=torch.float64)
    return value + l2_strength / 2 * float(offset @ offset), gradient + l2_strength * offset, hessian + added


def cross_entropy(examples: StackExamples, weights: torch.Tensor) -> Fit:
    """Cross-entropy of the targets, its mean over the examples, in nats.

    Args:
        examples: N of them.
        weights: [R].

    Returns:
        The value, its gradient [R] and its Hessian [R, R].
    """
    count, columns, width = examples.log_ratios.shape
    value = 0.0
    gradient, hessian = torch.zeros(columns, dtype=torch.float64), torch.zeros(columns, columns, dtype=torch.float64)
    room = torch.empty(min(_AT_ONCE, count), columns, width)
    for start in range(0, count, _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        log_ratios = examples.log_ratios[rows]
        logits = weights.float() @ log_ratios + examples.log_weights[rows]
        log_partition = logits.logsumexp(1)
        probabilities = (logits - log_partition[:, None]).exp()
        scaled = torch.mul(log_ratios, probabilities[:, None], out=room[: len(logits)])
        mean = scaled.sum(2)
        hessian += torch.bmm(scaled, log_ratios.transpose(1, 2)).sum(0) - mean.T @ mean
        gradient += (mean - log_ratios[:, :, 0]).sum(0, dtype=torch.float64)
        value += float((log_partition - logits[:, 0]).sum(dtype=torch.float64))
    return value / count, gradient / count, hessian / count
