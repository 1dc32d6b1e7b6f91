"""Training a click head on impressions by cross-entropy, stopped by validation impressions, which set its temperature.

c candidates.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch.nn import functional

from client.clicks.click_head import ClickHead, ClickHeadConfig, assembled, logit
from client.clicks.click_inputs import ClickInputs
from client.clicks.click_metrics import log_loss
from shared.seeding import rng_for, torch_generator_for
from shared.system.options import Checked, bounded

_WIDEST = 3.0
"""The log of a temperature lies between minus this and this."""


@dataclass(frozen=True, kw_only=True)
class ClickTraining(Checked):
    """How a click head is trained; raises ConfigError where a value makes no sense."""

    epochs: int = bounded(30, least=1)
    """Passes over the training impressions, at most."""
    patience: int = bounded(4, least=1)
    """Epochs without a lower validation loss before stopping."""
    rate: float = bounded(1e-3, above=0)
    """Learning rate."""
    weight_decay: float = bounded(0.1, least=0)
    """Decoupled (AdamW)."""
    impressions: int = bounded(64, least=1)
    """Per step."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedClickHead:
    """A head with its temperature, and how it came about."""

    head: ClickHead
    losses: tuple[float, ...]
    """validation cross-entropy in nats, before the first epoch and after each, before the temperature"""
    validation: float
    """the same of the head that was kept, with its temperature"""


def train_click_head(
    inputs: ClickInputs,
    training: NDArray[np.int64],
    validation: NDArray[np.int64],
    config: ClickHeadConfig,
    settings: ClickTraining,
    *,
    seed: int,
) -> TrainedClickHead:
    """Train on some impressions; the epoch with the lowest loss on others is kept and tempered.

    Args:
        inputs: what is known of candidates.
        training: rows of the impressions that are trained on.
        validation: rows of the impressions that choose the epoch and the temperature.
        config: what the head looks at, and how wide it is.
        settings: of the training.
        seed: of the head's draw and of the order of impressions.

    Returns:
        The head, and its losses.

    Raises:
        HeadStoreError: if a number of the head is not finite.
    """
    rng = rng_for(seed, "click-training")
    head = ClickHead.initial(config, inputs, training, torch_generator_for(seed, "click-head"))
    parameters = [value.clone().requires_grad_() for value in head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=settings.rate, weight_decay=settings.weight_decay)
    held_out = inputs.clicked(validation)
    best, losses = head, [log_loss(head.logits(inputs, validation), held_out)]
    for _ in range(settings.epochs):
        order = rng.permutation(training)
        for start in range(0, len(order), settings.impressions):
            rows = order[start : start + settings.impressions]
            labels = inputs.labels[inputs.candidates(rows)[0]]
            values = (assembled(config, inputs, rows) - head.mean) / head.scale
            logits = logit(values, parameters)
            loss = functional.binary_cross_entropy_with_logits(logits, labels)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        now = head.with_parameters([value.detach().clone() for value in parameters])
        losses.append(log_loss(now.logits(inputs, validation), held_out))
        best = now if losses[-1] == min(losses) else best
        if len(losses) - 1 - int(np.argmin(losses)) >= settings.patience:
            break
    held_out_logits = best.logits(inputs, validation)
    temperature = fit_temperature(held_out_logits, held_out)
    return TrainedClickHead(
        head=replace(best, temperature=temperature),
        losses=tuple(losses),
        validation=log_loss(held_out_logits / temperature, held_out),
    )


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """The T that gives σ(logits / T) the lowest cross-entropy (temperature scaling; Guo et al., ICML 2017).

    Args:
        logits: [c].
        labels: [c] True where clicked.

    Returns:
        T, from exp(-3) to exp(3).
    """
    optimum = minimize_scalar(
        lambda log_t: log_loss(logits / np.exp(log_t), labels), bounds=(-_WIDEST, _WIDEST), method="bounded"
    )
    return float(np.exp(optimum.x))
