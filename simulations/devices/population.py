"""A population of U devices: who may take part now, how long they take, and who breaks off.

All of it is a function of (config, seed, a device's number, virtual time); nothing is kept between calls. So a run can
go on at any moment, and several processes see the same population.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shared.seeding import rng_for
from simulations.config.population_config import PopulationConfig
from simulations.devices.availability import AlwaysAvailable, Availability, Moments
from simulations.devices.cohort import draw_cohort
from simulations.devices.daily_availability import DailyAvailability
from simulations.devices.draws import uniforms
from simulations.devices.lifetimes import Lifetimes
from simulations.devices.speeds import DeviceSpeeds, drawn_speeds
from simulations.devices.trace import Trace
from simulations.devices.trace_file import read_trace

Devices = NDArray[np.int64]
Floats = NDArray[np.float64]
MINUTE = 60.0
_BLOCK = 65_536
"""devices that are looked at together where all are: what that takes stays in the processor's cache"""
_NOBODY = np.empty(0, np.int64)


class Population:
    """U devices, numbered from 0.

    Args:
        config: how they are drawn, or read.
        count: U.
        seed: of every draw but for the cohorts'.
        began: virtual time of the start, in seconds, UTC.
        first_events: [U] virtual time of each device's first event, in seconds; None: nobody knows.

    Raises:
        ConfigError: if devices join at their first events, and nobody knows them.
        DataError: if the trace cannot be read, or is none.
    """

    def __init__(
        self,
        config: PopulationConfig,
        *,
        count: int,
        seed: int,
        began: float = 0.0,
        first_events: Floats | None = None,
    ) -> None:
        self.config, self.count = config, count
        self._seed = seed
        self._lifetimes = Lifetimes(config, seed, began, first_events)
        self._trace = read_trace(Path(config.trace), began=began) if config.trace else None
        self._availability = _availability(config, seed, self._trace)

    def available(self, now: float) -> NDArray[np.bool_]:
        """Which of all devices may take part at a moment of virtual time: [U]."""
        return np.concatenate([self.are_available(block, now) for block in self._blocks()])

    def are_available(self, devices: Devices, now: Moments) -> NDArray[np.bool_]:
        """Whether devices exist and are available.

        Args:
            devices: [k] their numbers.
            now: virtual time in seconds; one for all, or [k].

        Returns:
            [k].
        """
        return self._lifetimes.exist(devices, now) & self._availability.is_available(devices, now)

    def speeds(self, devices: Devices) -> DeviceSpeeds:
        """The speeds of devices, by their numbers [k]: as the trace says them, else drawn."""
        drawn = drawn_speeds(self.config, self._seed, devices)
        if self._trace is None:
            return drawn
        rows, trace = devices % self._trace.devices, self._trace
        return DeviceSpeeds(
            computing=drawn.computing if trace.computing is None else trace.computing[rows],
            download=drawn.download if trace.download is None else trace.download[rows],
            upload=drawn.upload if trace.upload is None else trace.upload[rows],
        )

    def seconds(self, devices: Devices, work: ArrayLike, bytes_down: ArrayLike, bytes_up: ArrayLike) -> Floats:
        """How long devices take for a task that they finish.

        Args:
            devices: [k] their numbers.
            work: seconds that the median device would work; one for all, or [k].
            bytes_down: that each downloads; one for all, or [k].
            bytes_up: that each uploads; one for all, or [k].

        Returns:
            [k] seconds.
        """
        return self.speeds(devices).seconds(work, bytes_down, bytes_up)

    def breaks_off(self, devices: Devices, start: Moments, latest: Floats) -> Floats:
        """When devices break off what they begin.

        A device breaks off by itself, at a rate; where its spell ends; and where it leaves for good.

        Args:
            devices: [k] their numbers.
            start: virtual time at which they begin, in seconds; one for all, or [k].
            latest: [k] virtual time up to which that is asked for.

        Returns:
            [k] virtual time; ``start`` where a device may not take part then, inf for a moment after ``latest``.
        """
        starts = np.broadcast_to(np.asarray(start, np.float64), devices.shape)
        moments = np.minimum(self._own_break(devices, starts), self._availability.spell_end(devices, starts, latest))
        moments = np.minimum(moments, self._lifetimes.leaves(devices))
        moments = np.where(self._lifetimes.exist(devices, starts), moments, starts)
        return np.where(moments > latest, np.inf, moments)

    def finished(self, devices: Devices, start: Moments, seconds: Floats) -> NDArray[np.bool_]:
        """Whether devices finish what they begin.

        Args:
            devices: [k] their numbers.
            start: virtual time at which they begin, in seconds; one for all, or [k].
            seconds: [k] how long they would take.

        Returns:
            [k].
        """
        latest = np.asarray(start + seconds)
        return np.isinf(self.breaks_off(devices, start, latest))

    def sample(self, now: float, size: int, seed: int, round_number: int, busy: Devices = _NOBODY) -> Devices:
        """Draw a cohort of devices that may take part now.

        Args:
            now: virtual time in seconds.
            size: how many are wanted.
            seed: of the run.
            round_number: of the round, from 1: another one draws other devices.
            busy: numbers of devices that are at work, and are not drawn.

        Returns:
            [k] different numbers in the order in which they were drawn; k = ``size``, or fewer where fewer may.
        """

        def may_take_part(devices: Devices) -> NDArray[np.bool_]:
            blocks = np.split(devices, range(_BLOCK, devices.size, _BLOCK))
            return np.concatenate([self.are_available(block, now) for block in blocks]) & ~np.isin(devices, busy)

        return draw_cohort(rng_for(seed, "cohort", round_number), self.count, size, may_take_part)

    def _own_break(self, devices: Devices, starts: Floats) -> Floats:
        """When each would break off by itself: exponential from its start, the same for the same start."""
        if self.config.breaks_per_minute == 0:
            return np.full(devices.shape, np.inf)
        draws = uniforms(self._seed, "break", devices, np.ascontiguousarray(starts).view(np.int64))
        return starts - np.log(draws) / self.config.breaks_per_minute * MINUTE

    def _blocks(self) -> Iterator[Devices]:
        for first in range(0, self.count, _BLOCK):
            yield np.arange(first, min(first + _BLOCK, self.count))


def _availability(config: PopulationConfig, seed: int, trace: Trace | None) -> Availability:
    if trace is not None:
        return trace
    return AlwaysAvailable() if config.availability == "always" else DailyAvailability(config, seed)
