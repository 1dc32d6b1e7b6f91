"""Losses of a step: cross-entropy over many candidates, and what a loss that joins it is given and gives.

n items, P positions, m rows of the catalogue in the step, c candidates, d width.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from client.training.batches import Batch
from client.training.sequence_model import SequenceModel
from shared.system.device import CPU

ROWS_AT_ONCE = 256
"""Blocks of logits that fit in a CPU's cache."""
ROWS_AT_ONCE_ON_A_GPU = 4096
"""Few launches, and blocks of less than 1 GB beside 50,000 candidates."""


class _CandidateCrossEntropy(torch.autograd.Function):
    """Never holds more than a block of rows × c logits, of which a full catalogue would have many times as many."""

    @staticmethod
    def forward(
        ctx: Any,
        states: torch.Tensor,
        candidates: torch.Tensor,
        offsets: torch.Tensor,
        target_offsets: torch.Tensor,
        targets: torch.Tensor,
    ) -> torch.Tensor:
        scale, at_once = 1.0 / len(states), ROWS_AT_ONCE if states.device.type == CPU else ROWS_AT_ONCE_ON_A_GPU
        transposed = candidates.T.contiguous()
        grad_states = torch.empty_like(states)
        grad_candidates = torch.zeros_like(candidates)
        grad_offsets = torch.zeros_like(offsets)
        loss = torch.zeros((), dtype=torch.float64, device=states.device)
        for start in range(0, len(states), at_once):
            block = states[start : start + at_once]
            block_targets = targets[start : start + at_once, None]
            logits = torch.addmm(offsets, block, transposed)
            own_logits = logits.gather(1, block_targets) - offsets[block_targets] + target_offsets[block_targets]
            logits.scatter_(1, block_targets, own_logits)
            peak = logits.max(1, keepdim=True).values
            logits.sub_(peak).exp_()
            sums = logits.sum(1, keepdim=True)
            loss += (sums.log() + peak - own_logits).sum(dtype=torch.float64)
            logits.mul_(scale / sums)
            logits.scatter_add_(1, block_targets, torch.full_like(own_logits, -scale))
            torch.mm(logits, candidates, out=grad_states[start : start + at_once])
            grad_candidates.addmm_(logits.T, block)
            grad_offsets += logits.sum(0)
        ctx.save_for_backward(grad_states, grad_candidates, grad_offsets)
        return (loss * scale).to(states.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        grad_states, grad_candidates, grad_offsets = ctx.saved_tensors
        (grad,) = grads
        return grad * grad_states, grad * grad_candidates, grad * grad_offsets, None, None


def candidate_cross_entropy(
    states: torch.Tensor,
    candidates: torch.Tensor,
    biases: torch.Tensor,
    targets: torch.Tensor,
    corrections: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean of −log softmax(states · candidatesᵀ + biases − corrections) at the targets.

    A position's own target is no sample, so its logit is left as it is by the corrections.

    Args:
        states: [P, d] vectors u.
        candidates: [c, d] vectors e.
        biases: [c].
        targets: [P] the column of each position's target among the candidates.
        corrections: [c] log(expected number of draws / draws) of sampled candidates (logQ; Bengio and Senécal 2008);
            None where no candidate is sampled.

    Returns:
        A scalar, in nats.
    """
    offsets = biases if corrections is None else biases - corrections
    inputs = (states, candidates, offsets, biases.detach(), targets)
    loss: torch.Tensor = _CandidateCrossEntropy.apply(*inputs)  # type: ignore[no-untyped-call]
    return loss


def members_cross_entropy(
    states: torch.Tensor,
    candidates: torch.Tensor,
    biases: torch.Tensor,
    targets: torch.Tensor,
    corrections: torch.Tensor | None = None,
    *,
    members: int,
) -> torch.Tensor:
    """The mean over members of ``candidate_cross_entropy``, each by its own part of states and candidates alone.

    Together they would learn to make up for each other; alone they err in other places.

    Args:
        states: [P, d] vectors u; a state holds a member's part divided by their number.
        candidates: [c, d] vectors e.
        biases: [c].
        targets: [P] the column of each position's target among the candidates.
        corrections: [c] as ``candidate_cross_entropy`` takes them; None where no candidate is sampled.
        members: into how many equal parts d falls; 1 is ``candidate_cross_entropy`` itself.

    Returns:
        A scalar, in nats.
    """
    if members == 1:
        return candidate_cross_entropy(states, candidates, biases, targets, corrections)
    parts = zip(states.chunk(members, 1), candidates.chunk(members, 1), strict=True)
    losses = [
        candidate_cross_entropy(members * state, candidate.contiguous(), biases, targets, corrections)
        for state, candidate in parts
    ]
    return torch.stack(losses).mean()


@dataclass(frozen=True, eq=False, kw_only=True)
class StepTensors:
    """What a step has computed already; gradients flow back through all of it."""

    model: SequenceModel
    batch: Batch
    states: torch.Tensor
    """[P, d] vectors u"""
    vectors: torch.Tensor
    """[m, d] vectors e"""
    slots: NDArray[np.int64]
    """[n] the row in ``vectors`` of an item that the step holds"""


class FurtherLoss(Protocol):
    """One number per step, added to the mean cross-entropy of the next items."""

    def items(self, batch: Batch) -> NDArray[np.int64]:
        """Rows of the catalogue that the step must hold for it, beside its own.

        Args:
            batch: inputs and next items of the step.

        Returns:
            [k] rows of the catalogue, [0] where the loss needs none.
        """
        ...

    def loss(self, step: StepTensors, rng: np.random.Generator) -> torch.Tensor:
        """The loss of one step.

        Args:
            step: what the step has computed already.
            rng: what the loss may draw from.

        Returns:
            A scalar, its weight taken in.
        """
        ...
