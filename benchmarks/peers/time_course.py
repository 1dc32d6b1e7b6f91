"""What every peer is given where time is cut, as one file: what it may train on, what it is asked, how it is judged.

U users, n items. Imported in the environments of the peers too: needs numpy, torch and this repository, nothing else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.event_log import EventLog
from client.data.held_out import Stage
from client.data.platform import Examples, Platform, examples, frozen, known_events, some, training_sequences
from client.data.sequences import Sequences, events_before, take
from client.evaluation.ranking import ScoreHistories, by_user, rank
from shared.seeding import rng_for

MOST_ASKED = 4_000
"""Validation baskets by which settings are chosen, drawn where there are more."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TimeCourse:
    """A platform whose time is cut twice."""

    training: Sequences
    """[U] events before the first cut, which a peer is tuned on"""
    known: Sequences
    """[U] events before the second cut, which it is fitted on in the end"""
    log: EventLog
    """all events, for what counts as of a moment; no peer may look behind the moment of what it is asked"""
    validation: Examples
    tests: Examples
    cut: float
    """seconds since 1970 of the second cut"""
    n_items: int
    repeats: bool
    """whether seen items stay in the ranking"""

    @classmethod
    def of(cls, platform: Platform, seed: int) -> "TimeCourse":
        """Of a platform under a global time split; all of its users may be trained on.

        Raises:
            ValueError: where time is not cut.
        """
        cut, users = platform.held_out.frozen_at, np.arange(platform.n_users)
        if cut is None:
            raise ValueError("expected a platform under a time split; found another protocol")
        validation = examples(platform, Stage.VALIDATION, users)
        drawn = np.sort(rng_for(seed, "time-peers", "asked").permutation(len(validation))[:MOST_ASKED])
        return cls(
            training=training_sequences(platform, users),
            known=take(platform.sequences, users, events_before(platform.sequences, cut)),
            log=EventLog.of(known_events(platform, users)),
            validation=some(validation, drawn),
            tests=examples(platform, Stage.TEST, users),
            cut=cut,
            n_items=platform.n_items,
            repeats=platform.repeats,
        )

    @classmethod
    def read(cls, file: Path) -> "TimeCourse":
        """From the file that ``write`` made."""
        with np.load(file) as held:
            return cls(
                training=_sequences(held, "training"),
                known=_sequences(held, "known"),
                log=EventLog(times=held["log.times"], items=held["log.items"]),
                validation=_examples(held, "validation"),
                tests=_examples(held, "tests"),
                cut=float(held["cut"]),
                n_items=int(held["n_items"]),
                repeats=bool(held["repeats"]),
            )

    def write(self, file: Path) -> None:
        """As one npz file."""
        arrays = {
            **_flat("training", self.training),
            **_flat("known", self.known),
            "log.times": self.log.times,
            "log.items": self.log.items,
            **_flat_examples("validation", self.validation),
            **_flat_examples("tests", self.tests),
        }
        np.savez(file, **arrays, cut=self.cut, n_items=self.n_items, repeats=self.repeats)

    def validated(self, score: ScoreHistories) -> float:
        """NDCG@10 on validation baskets, the mean over users."""
        return float(self._by_user(score, self.validation).mean())

    def live(self, score: ScoreHistories) -> NDArray[np.float64]:
        """[V] NDCG@10 of each test user, each basket as of its own moment."""
        return self._by_user(score, self.tests)

    def frozen(self, score: ScoreHistories) -> NDArray[np.float64]:
        """[V] the same, with what is counted frozen at the second cut."""
        return self._by_user(score, frozen(self.tests, self.cut))

    def _by_user(self, score: ScoreHistories, held_out: Examples) -> NDArray[np.float64]:
        ranking = rank(score, held_out, n_items=self.n_items, repeats=self.repeats)
        return by_user(ranking.ndcg, ranking.users)


def _flat(name: str, sequences: Sequences) -> dict[str, NDArray[Any]]:
    parts = {"offsets": sequences.offsets, "items": sequences.items}
    further = {"times": sequences.times, "moments": sequences.moments}
    there = {key: values for key, values in further.items() if values is not None}
    return {f"{name}.{key}": values for key, values in {**parts, **there}.items()}


def _sequences(held: Any, name: str) -> Sequences:
    further = {key: held[f"{name}.{key}"] for key in ("times", "moments") if f"{name}.{key}" in held}
    return Sequences(offsets=held[f"{name}.offsets"], items=held[f"{name}.items"], **further)


def _flat_examples(name: str, held_out: Examples) -> dict[str, NDArray[Any]]:
    return {
        f"{name}.users": held_out.users,
        f"{name}.targets": held_out.targets,
        **_flat(f"{name}.histories", held_out.histories),
        **_flat(f"{name}.relevant", held_out.relevant),
    }


def _examples(held: Any, name: str) -> Examples:
    relevant = _sequences(held, f"{name}.relevant")
    return Examples(
        users=held[f"{name}.users"],
        targets=held[f"{name}.targets"],
        histories=_sequences(held, f"{name}.histories"),
        baskets=None if (relevant.lengths() == 1).all() else relevant,
    )
