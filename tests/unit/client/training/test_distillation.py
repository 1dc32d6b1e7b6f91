import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from client.training.batches import Windows
from client.training.distillation import (
    DEFAULT,
    Distillation,
    DistillationSettings,
    Teacher,
    TeacherPart,
    draw_soft_targets,
)
from client.training.loop import TrainingSettings, train_sequence
from client.training.losses import StepTensors
from client.training.sequence_model import SequenceHead, SequenceModel
from client.training.sequence_scores import score_histories
from shared.encoder.encoder import Encoder
from tests.unit.client.training.world import N_ITEMS, SPEC, features, ragged, walks

TEMPERATURE = 2.0
SETTINGS = TrainingSettings(epochs=16, tokens=64, warm_up=5, encoder_rate=1e-2, head_rate=1e-2)
SAMPLED = replace(SETTINGS, full_softmax_items=4, negatives=8)


def model(seed=0):
    return SequenceModel.over(
        Encoder.initial(SPEC, seed).sequence_module(), SequenceHead.initial(N_ITEMS, 16), features()
    )


def backwards(histories):
    """A teacher who says, against the events, that the item before comes next."""
    last = histories.items[histories.offsets[1:] - 1].astype(np.int64)
    scores = torch.zeros(len(histories), N_ITEMS)
    scores[torch.arange(len(last)), torch.from_numpy((last - 1) % N_ITEMS)] = 12.0
    return scores


def soft_targets_of(sequences, score=backwards, limit=10_000, temperature=TEMPERATURE, parts=1, settings=DEFAULT):
    users = np.arange(len(sequences))
    teacher = Teacher(parts=tuple(TeacherPart(users=users[part::parts], score=score) for part in range(parts)))
    rng = np.random.default_rng(0)
    return draw_soft_targets(
        teacher, sequences, users, n_items=N_ITEMS, limit=limit, temperature=temperature, rng=rng, settings=settings
    )


def test_asks_the_teacher_after_every_event_that_another_follows_the_latest_first():
    sequences = ragged([[0, 1, 2, 3], [], [4], [5, 6]])
    assert np.flatnonzero(soft_targets_of(sequences).of_event >= 0).tolist() == [0, 1, 2, 5]
    assert np.flatnonzero(soft_targets_of(sequences, limit=3).of_event >= 0).tolist() == [1, 2, 5]


@pytest.mark.parametrize("parts", [1, 3])
def test_gives_each_event_the_answer_after_its_own_history(parts):
    sequences = walks()
    soft_targets = soft_targets_of(sequences, parts=parts)
    events = np.flatnonzero(soft_targets.of_event >= 0)
    answers = soft_targets.items[
        soft_targets.of_event[events], soft_targets.probabilities[soft_targets.of_event[events]].argmax(1)
    ]
    assert np.array_equal(answers, (sequences.items[events] - 1) % N_ITEMS)


def test_takes_the_softmax_at_the_temperature_over_a_small_catalogue():
    soft_targets = soft_targets_of(ragged([[3, 4]]))
    top = math.exp(12 / TEMPERATURE)
    assert soft_targets.probabilities[0, 2].item() == pytest.approx(top / (top + N_ITEMS - 1))
    assert soft_targets.probabilities[0, 7].item() == pytest.approx(1 / (top + N_ITEMS - 1))


def test_estimates_the_whole_softmax_from_the_best_items_and_a_sample():
    def score(histories):
        return torch.linspace(0, 6, N_ITEMS).expand(len(histories), -1)

    whole = soft_targets_of(ragged([[3, 4]]), score).probabilities[0]
    sampled = soft_targets_of(
        ragged([[3, 4]] * 400), score, settings=DistillationSettings(full_items=4, best=4, rest=6)
    )
    assert sampled.items.shape == (400, 10)
    assert sampled.items[0, :4].tolist() == [23, 22, 21, 20]
    assert sampled.probabilities[:, 0].mean().item() == pytest.approx(whole[23].item(), rel=0.05)
    rest = sampled.probabilities[:, 4:].sum(1).mean().item()
    assert rest == pytest.approx(whole[:20].sum().item(), rel=0.05)


def test_teaches_nothing_of_items_that_may_not_be_recommended():
    def score(histories):
        scores = torch.zeros(len(histories), N_ITEMS)
        scores[:, 5:] = -torch.inf
        return scores

    soft_targets = soft_targets_of(ragged([[3, 4]]), score)
    assert soft_targets.probabilities[0].tolist() == pytest.approx([0.2] * 5 + [0.0] * (N_ITEMS - 5))


def step_of(one, batch):
    """What the loop would hand over, for a catalogue scored in full."""
    vectors = one.item_vectors(None)
    states = one.history(vectors[torch.from_numpy(batch.items)]).flatten(0, 1)[torch.from_numpy(batch.positions)]
    return StepTensors(model=one, batch=batch, states=states, vectors=vectors, slots=np.arange(N_ITEMS))


def test_is_the_divergence_from_the_teacher_times_the_squared_temperature():
    one, sequences = model(), ragged([[3, 4]])
    batch = next(Windows.of(sequences, one.length).epoch(np.random.default_rng(0), 8))
    loss = Distillation(soft_targets_of(sequences), temperature=TEMPERATURE, weight=0.5)
    found = loss.loss(step_of(one, batch), np.random.default_rng(0)).item()
    teacher = (backwards(ragged([[3]]))[0] / TEMPERATURE).softmax(0)
    student = (torch.from_numpy(score_histories(one, ragged([[3]])))[0] / TEMPERATURE).softmax(0)
    divergence = sum(float(p * (p / q).log()) for p, q in zip(teacher, student, strict=True))
    assert found == pytest.approx(0.5 * TEMPERATURE**2 * divergence, rel=1e-4)


def divergence_of(one, soft_targets, sequences):
    total = []
    for batch in Windows.of(sequences, one.length).epoch(np.random.default_rng(0), 64):
        loss = Distillation(soft_targets, temperature=TEMPERATURE, weight=1.0)
        total.append(loss.loss(step_of(one, batch), np.random.default_rng(0)).item())
    return float(np.mean(total))


@pytest.mark.parametrize("settings", [SETTINGS, SAMPLED])
def test_brings_the_student_to_a_teacher_who_contradicts_the_events(settings):
    sequences = walks()
    soft_targets = soft_targets_of(sequences)
    taught, alone = model(), model()
    loss = Distillation(soft_targets, temperature=TEMPERATURE, weight=10.0)
    train_sequence(taught, sequences, settings, np.random.default_rng(0), None, loss)
    train_sequence(alone, sequences, settings, np.random.default_rng(0))
    assert divergence_of(taught, soft_targets, sequences) < divergence_of(model(), soft_targets, sequences) / 2
    last = ragged([[item] for item in range(N_ITEMS)])
    before, after = ((np.arange(N_ITEMS) + step) % N_ITEMS for step in (-1, 1))
    assert (score_histories(taught, last).argmax(1) == before).mean() > 0.8
    assert (score_histories(alone, last).argmax(1) == after).mean() > 0.8


def test_is_zero_where_a_step_has_no_soft_target():
    one, sequences = model(), ragged([[3, 4]])
    soft_targets = replace(soft_targets_of(sequences), of_event=np.full(2, -1))
    batch = next(Windows.of(sequences, one.length).epoch(np.random.default_rng(0), 8))
    loss = Distillation(soft_targets, temperature=TEMPERATURE, weight=1.0)
    assert loss.items(batch).size == 0
    assert loss.loss(step_of(one, batch), np.random.default_rng(0)).item() == 0
