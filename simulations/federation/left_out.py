"""Encoders in which one platform took no part, without a run for each.

Its moments are left out exactly: the linear part is solved again from those of the others. Its updates are left out to
first order: the server steps along what the others' training came to in the rounds of all, whose encoder they started
from (docs/decisions/0058). What a platform gave before the rounds stays: a source's pretraining is in every encoder.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from server.aggregation.linear_part import linear_part
from server.aggregation.server_optimiser import Aggregation, BuildAggregation, Update
from server.aggregation.size_classes import SizeClasses
from server.aggregation.weighting import Weighting
from shared.encoder.encoder import Encoder
from shared.encoder.linear import Moments
from shared.errors import InputError
from shared.federation.config import RoundsConfig
from shared.system.array_file import array_file, read_array_file
from shared.system.whole_file import write_whole
from simulations.federation.held_federation import FederationResult

Flat = NDArray[np.float32]


class LeftOutRounds:
    """Makes the aggregation of a run, which takes every step once more without each platform in turn.

    What these steps lead to is kept on disk, one file a round: which round a run leaves is known at its end alone.
    """

    def __init__(self, build: BuildAggregation, names: Iterable[str], folder: Path) -> None:
        """``build`` makes the run's own aggregation, ``names`` are of its platforms, ``folder`` keeps the steps."""
        self._build, self._names, self._folder = build, tuple(names), folder

    def __call__(self, config: RoundsConfig) -> Aggregation:
        """The aggregation: its steps are those of the run's own."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        return _StepsBeside(self._build, config, self._names, self._folder)

    def encoders(
        self, start: Encoder, result: FederationResult, config: RoundsConfig, classes: SizeClasses
    ) -> dict[str, Encoder]:
        """What the rounds would have left without each platform; the steps' files are removed.

        Args:
            start: the encoder that the rounds started from.
            result: what the rounds of all left.
            config: of the rounds.
            classes: the platforms' size classes.

        Returns:
            By name of each platform that took part in the moments round or a training round; empty where fewer than two
            did.
        """
        file = self._folder / str(result.released_round)
        steps: Mapping[str, Flat] = read_array_file(file)[0] if file.exists() else {}
        shutil.rmtree(self._folder)
        took_part = [name for name in self._names if name in result.took_part]
        if len(took_part) < 2:
            return {}
        sequence = {
            name: Encoder(spec=result.encoder.spec, flat=steps.get(name, result.encoder.flat)) for name in took_part
        }
        before = result.encoder.spec.sequence_place.start
        if np.array_equal(start.flat[:before], result.encoder.flat[:before]):
            return sequence
        return {
            name: _with_linear_of(encoder, start, _without(name, result.moments), config, classes)
            for name, encoder in sequence.items()
        }


def _without(name: str, moments: Mapping[str, Moments]) -> dict[str, Moments]:
    return {other: platform_moments for other, platform_moments in moments.items() if other != name}


def _with_linear_of(
    encoder: Encoder, start: Encoder, moments: Mapping[str, Moments], config: RoundsConfig, classes: SizeClasses
) -> Encoder:
    """The encoder with the linear part that the server solves from these moments; that of the start where none is."""
    try:
        weights = Weighting(config, classes).of_moments(moments)
        return encoder.with_linear(linear_part(moments, weights, classes, config)[0])
    except InputError:
        return encoder.with_linear(start.linear())


class _StepsBeside:
    """The run's own aggregation, and for each platform another one that never hears of it."""

    def __init__(self, build: BuildAggregation, config: RoundsConfig, names: Sequence[str], folder: Path) -> None:
        self._of_all, self._folder = build(config), folder
        self._without = {name: build(config) for name in names}
        self._flats: dict[str, Flat] = {}

    def step(self, encoder: Flat, updates: Sequence[Update], *, round_number: int) -> Flat:
        """The next encoder of all.

        Args:
            encoder: [P] the present encoder.
            updates: what the platforms' replies would change, and how much each counts.
            round_number: number of the training round, from 1.

        Returns:
            [P] the next encoder.
        """
        for name, aggregation in self._without.items():
            flat = self._flats.get(name, encoder)
            of_others = [update for update in updates if update.name != name]
            stepped = aggregation.step(flat, of_others, round_number=round_number) if of_others else flat
            self._flats[name] = stepped if np.isfinite(stepped).all() else flat
        write_whole(self._folder / str(round_number), array_file(self._flats, {}))
        return self._of_all.step(encoder, updates, round_number=round_number)
