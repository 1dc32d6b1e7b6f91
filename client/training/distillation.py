"""Soft targets of a teacher, and the loss by which a student learns them (Hinton, Vinyals and Dean 2015).

A soft target is the teacher's softmax at a temperature over the catalogue after one past history. In a small catalogue
it is whole; in a larger one it holds the teacher's best items and a random sample of the rest, each of which stands for
many.

n items, E events, B histories, T soft targets, S items of a soft target, P positions of a step.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from typing_extensions import override

from client.data.platform import Examples, some
from client.data.sequences import Sequences, take
from client.evaluation.ranking import ScoreHistories, example_batches
from client.training.batches import Batch
from client.training.losses import FurtherLoss, StepTensors
from shared.errors import ConfigError
from shared.system.options import Checked, bounded

_OUT = -1e4
"""Log-weight of an item that is no part of a soft target: its probability is 0, its logarithm still a number."""


@dataclass(frozen=True, kw_only=True)
class DistillationSettings(Checked):
    """What a soft target holds, and how many are learnt at a time."""

    full_items: int = bounded(512, least=0)
    """catalogues up to this size are taught whole"""
    best: int = bounded(32, least=1)
    """in a larger one, the teacher's best items of a soft target"""
    rest: int = bounded(32, least=1)
    """the same, drawn uniformly beside them"""
    at_once: int = bounded(256, least=1)
    """most soft targets of a step, which bounds its time"""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.best > self.full_items + 1:
            raise ConfigError(f"DistillationSettings.best must be at most full_items + 1; got {self.best}")


DEFAULT = DistillationSettings()


@dataclass(frozen=True, eq=False, kw_only=True)
class TeacherPart:
    """What a teacher thinks of the histories of some users; a teacher is made of one part or several."""

    users: NDArray[np.int64]
    score: ScoreHistories
    """B histories to logits [B, n], −inf where an item may not be recommended"""
    columns: int = 1
    """arrays [B, n] that it holds at the same time"""


@dataclass(frozen=True, eq=False, kw_only=True)
class Teacher:
    """Who is asked, and where its student begins."""

    parts: tuple[TeacherPart, ...]
    """each user is in one"""
    vectors: torch.Tensor | None = None
    """[n, d] the catalogue as an encoder sees it"""


@dataclass(frozen=True, eq=False, kw_only=True)
class SoftTargets:
    """What a teacher says after T histories."""

    of_event: NDArray[np.int64]
    """[E] the soft target after an event; -1 where there is none"""
    n_items: int
    items: NDArray[np.int64]
    """[T, S] rows of the catalogue"""
    log_weights: torch.Tensor
    """[T, S] log of how many items each stands for"""
    probabilities: torch.Tensor
    """[T, S] the teacher's, at the temperature"""


def draw_soft_targets(
    teacher: Teacher,
    sequences: Sequences,
    users: NDArray[np.int64],
    *,
    n_items: int,
    limit: int,
    temperature: float,
    rng: np.random.Generator,
    settings: DistillationSettings = DEFAULT,
) -> SoftTargets:
    """The teacher's answers after ``limit`` past events, latest of every user first: nearest to what comes.

    Args:
        teacher: who is asked.
        sequences: what the student is trained on.
        users: [U] whose sequence each is.
        n_items: n.
        limit: most soft targets.
        temperature: of both softmaxes.
        rng: draws events and the sample of the rest.
        settings: what a soft target holds.
    """
    questions, events = _past(sequences, users, limit, rng)
    of_event = np.full(len(sequences.items), -1, np.int64)
    parts: list[_Answer] = []
    for part in teacher.parts:
        rows = np.flatnonzero(np.isin(questions.users, part.users))
        of_event[events[rows]] = sum(len(answer[0]) for answer in parts) + np.arange(len(rows))
        for batch, _ in example_batches(some(questions, rows), n_items, part.columns):
            parts.append(_answer(part.score(batch.histories), temperature, settings, rng))
    items, log_weights, probabilities = zip(*parts, strict=True)
    return SoftTargets(
        of_event=of_event,
        n_items=n_items,
        items=np.concatenate(items),
        log_weights=torch.cat(log_weights),
        probabilities=torch.cat(probabilities),
    )


def _past(
    sequences: Sequences, users: NDArray[np.int64], limit: int, rng: np.random.Generator
) -> tuple[Examples, NDArray[np.int64]]:
    """Histories that end with an event after which another follows, and the places of these events."""
    ends = sequences.offsets[1:]
    places = np.setdiff1d(np.arange(len(sequences.items)), ends - 1)
    rows = np.searchsorted(ends, places, side="right")
    latest = np.lexsort((rng.permutation(len(places)), ends[rows] - places))[:limit]
    chosen = np.sort(latest)
    places, rows = places[chosen], rows[chosen]
    histories = take(sequences, rows, places + 1 - sequences.offsets[rows])
    return Examples(users=users[rows], histories=histories, targets=sequences.items[places + 1]), places


_Answer = tuple[NDArray[np.int64], torch.Tensor, torch.Tensor]


def _answer(
    scores: torch.Tensor, temperature: float, settings: DistillationSettings, rng: np.random.Generator
) -> _Answer:
    """[B, n] logits to items [B, S], their log-weights [B, S] and probabilities [B, S]."""
    (count, n), best, rest = scores.shape, settings.best, settings.rest
    if n <= settings.full_items:
        items, log_weights = torch.arange(n).expand(count, n), torch.zeros(count, n)
    else:
        top = scores.topk(best, dim=1).indices
        drawn = torch.from_numpy(rng.integers(0, n, (count, rest)))
        again = (drawn[:, :, None] == top[:, None, :]).any(2)
        stand_for = torch.full((count, rest), math.log(n / rest)).masked_fill_(again, _OUT)
        items, log_weights = torch.cat([top, drawn], 1), torch.cat([torch.zeros(count, best), stand_for], 1)
    picked = scores.gather(1, items)
    log_weights = log_weights.masked_fill(picked == -torch.inf, _OUT)
    return items.numpy(), log_weights, (picked / temperature + log_weights).softmax(1)


class Distillation(FurtherLoss):
    """weight · τ² · KL(teacher ‖ student) at temperature τ, mean over a step's soft targets; 0 where it has none."""

    def __init__(
        self, soft_targets: SoftTargets, *, temperature: float, weight: float, settings: DistillationSettings = DEFAULT
    ) -> None:
        self._soft_targets, self._temperature, self._weight = soft_targets, temperature, weight
        self._at_once = settings.at_once

    @override
    def items(self, batch: Batch) -> NDArray[np.int64]:
        return self._distinct(self._taught(batch)[1])[0]

    @override
    def loss(self, step: StepTensors, rng: np.random.Generator) -> torch.Tensor:
        positions, rows = self._taught(step.batch)
        if len(rows) == 0:
            return step.states.new_zeros(())
        items, columns = self._distinct(rows)
        device = step.states.device
        states = functional.embedding(torch.from_numpy(positions).to(device), step.states)
        vectors = functional.embedding(torch.from_numpy(step.slots[items]).to(device), step.vectors)
        logits = states @ vectors.T + step.model.b[torch.from_numpy(items).to(device)]
        log_weights = self._soft_targets.log_weights[rows].to(device)
        chosen = logits.gather(1, torch.from_numpy(columns).to(device)) / self._temperature + log_weights
        probabilities = self._soft_targets.probabilities[rows].to(device)
        divergence = functional.kl_div(chosen.log_softmax(1), probabilities, reduction="batchmean")
        return self._weight * self._temperature**2 * divergence

    def _distinct(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The items of some soft targets, each once, and the place among them of every item [T, S]."""
        soft_target_items = self._soft_targets.items[rows]
        place = np.full(self._soft_targets.n_items, -1, np.int64)
        place[soft_target_items] = 0
        items = np.flatnonzero(place == 0)
        place[items] = np.arange(len(items))
        return items, place[soft_target_items]

    def _taught(self, batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first of the step's positions [P] that have a soft target, and these soft targets."""
        soft_targets = self._soft_targets.of_event[batch.places]
        positions = np.flatnonzero(soft_targets >= 0)[: self._at_once]
        return positions, soft_targets[positions]
