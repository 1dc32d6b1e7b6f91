"""The one training loop of the sequence part: pretraining, local rounds, tuning, pooled runs and ids only."""

import math
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from client.data.sequences import Sequences
from client.training.batches import Batch, Windows
from client.training.losses import FurtherLoss, StepTensors, members_cross_entropy
from client.training.sequence_model import SequenceModel
from client.training.sequence_scores import ValidationSet
from shared.encoder.towers import Dropout
from shared.errors import ConfigError
from shared.system.device import CPU, Device
from shared.system.options import Checked, bounded
from shared.system.progress import working


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Checked):
    """What varies between the uses of the loop."""

    epochs: int = bounded(12, least=0)
    """passes over the sequences, at most"""
    patience: int = bounded(3, least=1)
    """epochs without a better validation NDCG@10 than an earlier epoch's before stopping; only with a validation set"""
    encoder_rate: float = bounded(1e-3, least=0)
    """learning rate of the shared towers; 0 freezes them"""
    head_rate: float = bounded(3e-3, least=0)
    """learning rate of the private head; 0 freezes it"""
    tokens: int = bounded(2048, least=1)
    """positions per step"""
    steps: int = bounded(0, least=0)
    """most steps of an epoch, which is then a random part of the sequences; 0 takes all"""
    full_softmax_items: int = 4096
    """catalogues up to this size are scored in full, larger ones against a sample"""
    negatives: int = bounded(1024, least=1)
    """uniform draws per step beside the step's own items, where the softmax is sampled"""
    dropout: float = bounded(0.1, least=0, below=1)
    id_dropout: float = bounded(0.25, least=0, below=1)
    """share of items per step that are seen by their content alone"""
    weight_decay: float = bounded(0.01, least=0)
    """decoupled (AdamW), of matrices and id rows"""
    warm_up: int = bounded(100, least=0)
    """steps of linear warm-up"""
    learning_rate_decay: float = bounded(0.1, least=0, most=1)
    """share of the learning rate left at the end of ``epochs``, reached linearly"""
    clip_norm: float = bounded(1.0, above=0)
    """of a step's gradient"""
    proximal: float = bounded(0.0, least=0)
    """μ of the pull μ/2 ‖θ − θ_start‖² on the shared towers (FedProx; Li et al. 2020)"""


@dataclass(frozen=True, kw_only=True)
class TrainingLog:
    """What happened, per epoch."""

    losses: list[float] = field(default_factory=list)
    """mean cross-entropy of the next items, in nats; a further loss is not in it"""
    validation: list[float] = field(default_factory=list)
    """NDCG@10 before the first epoch and after each; empty without a validation set"""
    best_epoch: int = 0
    """whose weights the model has now; 0 are the ones it came with"""


def train_sequence(
    model: SequenceModel,
    sequences: Sequences,
    settings: TrainingSettings,
    rng: np.random.Generator,
    validation: ValidationSet | None = None,
    further: FurtherLoss | None = None,
    *,
    device: Device = CPU,
) -> TrainingLog:
    """Train the model in place on every next item of the sequences; validated, keep the best epoch.

    All randomness comes from ``rng``: equal arguments give equal numbers on the CPU of one machine and thread count,
    and on a GPU those of the CPU but for rounding (docs/device.md).

    Args:
        model: what is trained; it leaves with the weights of its best epoch.
        sequences: training events, rows of the catalogue.
        settings: epochs, rates, sizes; 0 epochs train nothing.
        rng: draws batches, negatives and dropout.
        validation: whose NDCG@10 decides which epoch is kept and when to stop; None keeps the last one.
        further: is added to the loss of every step; None adds nothing.
        device: where it is trained and validated; the model stays where it is.

    Returns:
        Losses and NDCG@10 per epoch; empty where no sequence has two events, or no epoch is asked for.

    Raises:
        ConfigError: if neither the encoder nor the head has a learning rate above 0.
    """
    windows = Windows.of(sequences, model.length)
    if settings.epochs == 0 or len(windows.lengths) == 0:
        return TrainingLog()
    trained = model.on(device)
    step = _Step(trained, settings, np.bincount(sequences.items, minlength=model.n_items), further)
    steps = windows.steps(settings.tokens)
    steps = min(settings.steps or steps, steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        step.optimizer, lambda done: _rate(settings, done, settings.epochs * steps)
    )
    best = _Best(trained, validation)
    losses: list[float] = []
    with working("training", settings.epochs * steps) as work:
        for _ in range(settings.epochs):
            sums, positions = [], 0
            for batch in islice(windows.epoch(rng, settings.tokens), steps):
                sums.append(step(batch, rng) * len(batch.targets))
                positions += len(batch.targets)
                schedule.step()
                work.done += 1
            losses.append(sum(map(float, sums)) / positions)
            if best.is_over(settings.patience):
                break
    best.restore()
    trained.thaw_content()
    if trained is not model:
        model.load_state_dict(trained.state_dict())
    return TrainingLog(losses=losses, validation=best.scores, best_epoch=best.epoch(len(losses)))


def _rate(settings: TrainingSettings, done: int, total: int) -> float:
    warm = min(1.0, (done + 1) / (settings.warm_up + 1))
    return warm * (1 - (1 - settings.learning_rate_decay) * min(1.0, done / total))


class _Step:
    """One step: item vectors of the rows it needs, histories, loss, gradients, update."""

    def __init__(
        self,
        model: SequenceModel,
        settings: TrainingSettings,
        counts: NDArray[np.int64],
        further: FurtherLoss | None,
    ) -> None:
        self.model, self.settings, self.further = model, settings, further
        self.device = model.device
        self.sampled = model.n_items > settings.full_softmax_items
        self.popularity = counts / counts.sum()
        self.slots = np.full(model.n_items, -1, np.int64)
        shared, private = model.shared_parameters(), model.private_parameters()
        self.trained = [
            *(shared if settings.encoder_rate else []),
            *(private if settings.head_rate else []),
        ]
        for parameter in (*shared, *private):
            parameter.requires_grad_(any(parameter is trained for trained in self.trained))
        if not settings.encoder_rate and model.item is not None:
            model.freeze_content()
        self.anchors = [(p, p.detach().clone()) for p in shared] if settings.proximal else []
        self.optimizer = torch.optim.AdamW(_groups(model, settings), fused=True)

    def __call__(self, batch: Batch, rng: np.random.Generator) -> torch.Tensor:
        """The mean cross-entropy over the batch's positions, before the update, a scalar in float64.

        Nobody waits for a GPU to have it.
        """
        settings, model = self.settings, self.model
        rows, corrections = self._candidates(batch, rng)
        vectors = model.item_vectors(rows, Dropout(rng, settings.id_dropout))
        items, targets = self._there(self.slots[batch.items]), self._there(self.slots[batch.targets])
        inputs = functional.embedding(items, vectors)
        states = model.history(inputs, Dropout(rng, settings.dropout)).flatten(0, 1)
        states = functional.embedding(self._there(batch.positions), states)
        candidates = vectors
        if rows is not None and corrections is not None:
            rows, candidates = rows[: len(corrections)], vectors[: len(corrections)]
        biases = model.b if rows is None else functional.embedding(rows, model.b[:, None])[:, 0]
        loss = members_cross_entropy(states, candidates, biases, targets, corrections, members=model.members)
        total = loss
        if self.further is not None:
            step = StepTensors(model=model, batch=batch, states=states, vectors=vectors, slots=self.slots)
            total = loss + self.further.loss(step, rng)
        self.optimizer.zero_grad()
        torch.autograd.backward(total)
        for parameter, anchor in self.anchors:
            if parameter.grad is not None:
                parameter.grad.add_(parameter.detach() - anchor, alpha=settings.proximal)
        torch.nn.utils.clip_grad_norm_(self.trained, settings.clip_norm)
        self.optimizer.step()
        return loss.detach().double()

    def _there(self, values: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(values).to(self.device)

    def _candidates(self, batch: Batch, rng: np.random.Generator) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """The step's rows of the catalogue (None: all), candidates first, and the candidates' logQ corrections.

        Fills ``slots``, the row of an item in the step. A batch's targets are draws by popularity.
        """
        n_items = self.model.n_items
        if not self.sampled:
            self.slots = np.arange(n_items)
            return None, None
        drawn = rng.integers(0, n_items, self.settings.negatives)
        candidates, counts = np.unique(np.concatenate([drawn, batch.targets]), return_counts=True)
        read = [batch.items.reshape(-1), *([] if self.further is None else [self.further.items(batch)])]
        rows = np.concatenate([candidates, np.setdiff1d(np.concatenate(read), candidates)])
        self.slots[rows] = np.arange(len(rows))
        expected = self.settings.negatives / n_items + len(batch.targets) * self.popularity[candidates]
        return self._there(rows), self._there(np.log(expected / counts).astype(np.float32))


def _groups(model: SequenceModel, settings: TrainingSettings) -> list[dict[str, object]]:
    """AdamW's groups: rates by part, decay for matrices and id rows only."""
    groups: list[dict[str, object]] = []
    for rate, parameters in (
        (settings.encoder_rate, model.shared_parameters()),
        (settings.head_rate, model.private_parameters()),
    ):
        if rate:
            matrices = [parameter for parameter in parameters if parameter.ndim == 2]
            others = [parameter for parameter in parameters if parameter.ndim != 2]
            groups.append({"params": matrices, "lr": rate, "weight_decay": settings.weight_decay})
            groups.append({"params": others, "lr": rate, "weight_decay": 0.0})
    if not groups:
        raise ConfigError("training needs a learning rate above 0 for the encoder or the head")
    return groups


class _Best:
    """The best weights so far by validation NDCG@10; without a validation set, the last ones."""

    def __init__(self, model: SequenceModel, validation: ValidationSet | None) -> None:
        self.model, self.validation = model, validation
        self.scores: list[float] = []
        self.top = -math.inf
        self.state: dict[str, torch.Tensor] = {}
        self._measure()

    def _measure(self) -> None:
        if self.validation is None:
            return
        self.scores.append(self.validation.ndcg(self.model))
        if self.scores[-1] > self.top:
            self.top = self.scores[-1]
            self.state = {name: value.clone() for name, value in self.model.state_dict().items()}

    def is_over(self, patience: int) -> bool:
        """Measure after an epoch; True where the last ``patience`` epochs brought nothing better.

        Better than an earlier epoch, not than the start: while the rate warms up, a fresh model may lose what its draw
        had of content.
        """
        self._measure()
        trained = self.scores[1:]
        return bool(trained) and len(trained) - 1 - trained.index(max(trained)) >= patience

    def epoch(self, last: int) -> int:
        """The epoch of the best weights (0: before the first)."""
        return self.scores.index(self.top) if self.scores else last

    def restore(self) -> None:
        """Give the model its best weights."""
        if self.state:
            self.model.load_state_dict(self.state)
