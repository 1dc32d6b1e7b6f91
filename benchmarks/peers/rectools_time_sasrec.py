"""RecTools' SASRec where time is cut: learning rate, dropout and epochs by its NDCG@10 on validation baskets.

A user's events are handed over in windows of the length that it reads, so that it is trained on all of them.
"""

import io

import numpy as np
from pytorch_lightning import seed_everything

from benchmarks.peers.course import Course, Entry, Stopwatch, in_windows
from benchmarks.peers.rectools_sasrec import LENGTH, SHAPE, Laps, score, train
from benchmarks.peers.time_answer import Peer, Settings, Tried, main
from benchmarks.peers.time_course import TimeCourse
from client.data.sequences import Sequences
from client.evaluation.ranking import ScoreHistories

SETTINGS = ({"lr": 3e-3, "dropout_rate": 0.2}, {"lr": 1e-3, "dropout_rate": 0.2}, {"lr": 3e-3, "dropout_rate": 0.5})
STEPS = 40
"""Of an epoch, at least: RecTools' own batch of 128 gives a small platform ten, and learns it slower."""
EVENTS_A_SECOND = 500
"""A platform has a second more of budget for so many training events."""
MANY_ITEMS = 5_000
"""Above which the loss looks at drawn items, else an epoch takes minutes."""
PATIENCE = 6
"""Epochs without a better NDCG@10 after which a setting is given up."""


def tune(course: TimeCourse, seed: int, budget: float) -> Tried:
    """Each setting, with the epoch at which it was best; each has its share of the budget."""
    sequence_course = _course(course, course.training)
    share = (budget + len(sequence_course.sequences.items) / EVENTS_A_SECOND) / len(SETTINGS)
    tried = []
    for candidate in SETTINGS:
        settings = {**candidate, **_for_size(sequence_course)}
        entry = Entry(course=sequence_course, settings=settings, seed=seed, budget=share, laps=1, patience=PATIENCE)
        watch = Stopwatch(entry, (), out=io.StringIO())
        seed_everything(seed)
        train(sequence_course, {**SHAPE, **settings}, [Laps(watch, sequence_course)])
        best = int(np.argmax(watch.scores))
        tried.append(({**settings, "epochs": best + 1}, watch.scores[best]))
    return tried


def _for_size(sequence_course: Course) -> Settings:
    batch = int(np.clip(len(sequence_course.sequences) // STEPS, 16, 128))
    sampled = {"loss": "sampled_softmax", "n_negatives": 256} if sequence_course.n_items > MANY_ITEMS else {}
    return {"batch_size": batch, **sampled}


def fit(course: TimeCourse, events: Sequences, settings: Settings, seed: int) -> ScoreHistories:
    """After as many epochs as were best."""
    sequence_course = _course(course, events)
    model_settings = {key: value for key, value in settings.items() if key != "epochs"}
    seed_everything(seed)
    module = train(sequence_course, {**SHAPE, **model_settings}, [], epochs=settings["epochs"]).lightning_model
    return lambda histories: score(module, histories, sequence_course)


def _course(course: TimeCourse, events: Sequences) -> Course:
    windows = in_windows(events, LENGTH)
    return Course(
        sequences=windows,
        targets=np.zeros(len(windows), np.int64),
        validation=course.validation,
        n_items=course.n_items,
        repeats=course.repeats,
    )


PEER = Peer(fit=fit, tune=tune, packages=("rectools", "pytorch-lightning"))

if __name__ == "__main__":
    main(PEER)
