"""Sums of a cohort's updates as secure sums give them, without the masks: the coordinator gets the sum, and who is in.

What a run over devices learns is the same with masks (tests/unit/simulations/devices/test_ideal_sums.py). Of those that
are asked, all that come before the deadline are in the sum; the round ends as soon as nobody is waited for any more.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from server.rounds.drawn_cohorts import DrawnCohorts
from server.rounds.exchange import Answers, Exchange
from server.rounds.sum_exchange import Summand, Summed
from server.rounds.sum_groups import ALL
from shared.errors import FederationError
from shared.federation.config import RoundsConfig
from shared.federation.messages import DeclineReason
from shared.federation.sum_messages import SumTask
from shared.federation.wire import content_bytes, encode_task
from shared.secure_sum.ring import Ring
from shared.secure_sum.roster import Member
from shared.secure_sum.scheme import SumResult
from shared.secure_sum.terms import SumTerms
from simulations.devices.chunk_task import read_sum
from simulations.devices.cohort_answer import ChunkWork, task_chunks
from simulations.devices.device_grid import FIRST_NODE
from simulations.devices.held_devices import HeldDevices
from simulations.devices.population import Population
from simulations.devices.virtual_clock import VirtualClock

Devices = NDArray[np.int64]
WITHOUT_MASKS = b"\x00"
"""in place of a coordinator's message"""


class IdealSums:
    """The sums of one run.

    Args:
        exchange: says who is online.
        config: of the run.
        devices: what they hold.
        population: who is there, and how long each takes.
        seconds: [U] what a device's training takes, in seconds of the median device.
        work: does the devices' part.
        time: passes while the coordinator waits.
    """

    def __init__(
        self,
        exchange: Exchange,
        config: RoundsConfig,
        *,
        devices: HeldDevices,
        population: Population,
        seconds: NDArray[np.float64],
        work: ChunkWork,
        time: VirtualClock,
    ) -> None:
        self._exchange, self._config, self._cohorts = exchange, config, DrawnCohorts(config=config)
        self._devices, self._population, self._seconds = devices, population, seconds
        self._work, self._time = work, time

    def chosen(self) -> Collection[Member]:
        """Nobody beforehand: each sum draws its own cohort."""
        return ()

    def summed(self, summand: Summand) -> Summed:
        """The sum over a cohort of those online; raises FederationError where too few are."""
        names, numbers = self._drawn(summand.number)
        terms = summand.terms(names)
        work = summand.work(summand.encoder, names)
        content = encode_task(SumTask.of(work.run, summand.number, WITHOUT_MASKS, work))
        down, up = content_bytes(content), vector_bytes(terms, len(names))
        came, wait = self._in_time(numbers, down, up)
        total, trained = np.zeros(terms.length), np.zeros(len(numbers), bool)
        chunks = [came[rows] for rows in task_chunks(content, self._devices, numbers[came])]
        done = dict(self._work(content, [numbers[rows] for rows in chunks]))
        for place in range(len(chunks)):  # in this order, whoever was first: sums of floats depend on it
            part = read_sum(done[place][0])
            total += part.numbers
            trained[chunks[place][part.rows]] = True
        self._time.sleep(wait)
        answers: Answers[None] = Answers(bytes_down=len(names) * down, bytes_up=len(came) * up)
        answers.outcomes = dict.fromkeys(names, ("missing", ""))
        answers.outcomes |= {names[row]: ("declined", DeclineReason.TOO_FEW_EVENTS) for row in came.tolist()}
        answers.outcomes |= {names[row]: ("reply", None) for row in np.flatnonzero(trained).tolist()}
        survivors = tuple(names[row] for row in np.flatnonzero(trained).tolist())
        if not survivors:
            return Summed(results={}, parties={}, failed={ALL: "nobody is in the sum"}, answers=answers)
        result = _result(terms, total, survivors)
        return Summed(results={ALL: result}, parties={ALL: names}, failed={}, answers=answers)

    def _drawn(self, number: int) -> tuple[tuple[str, ...], Devices]:
        """Names and numbers of a round's cohort, once enough are online."""
        online = self._exchange.wait_for(lambda there: there if len(there) >= self._config.cohort else None)
        if online is None:
            there = len(self._exchange.online())
            raise FederationError(
                f"expected a cohort of {self._config.cohort} devices online; found {there}: "
                "begin anew with a smaller cohort, or a larger available-share"
            )
        names = tuple(sorted(self._cohorts.names(number, online)))
        return names, np.array([online[name] - FIRST_NODE for name in names])

    def _in_time(self, numbers: Devices, down: int, up: int) -> tuple[Devices, float]:
        """Which of these devices come before the deadline, and how long they are waited for."""
        start, deadline = self._time.seconds, self._config.deadline_seconds
        seconds = self._population.seconds(numbers, self._seconds[numbers], down, up)
        comes = self._population.finished(numbers, start, seconds) & (seconds <= deadline)
        return np.flatnonzero(comes), float(seconds.max()) if comes.all() else deadline


def vector_bytes(terms: SumTerms, parties: int) -> int:
    """Bytes of a device's masked vector.

    Args:
        terms: of the sum.
        parties: how many are asked.
    """
    return Ring.holding(terms.most * parties).width * terms.length


def _result(terms: SumTerms, total: NDArray[np.float64], survivors: tuple[str, ...]) -> SumResult:
    """The sum in whole cells."""
    cells = np.rint(np.ldexp(total, -terms.exponent)).astype(np.int64)
    return SumResult(
        terms=terms,
        cells=cells,
        values=np.ldexp(cells.astype(np.float64), terms.exponent),
        survivors=survivors,
        noise_variance=0.0,
        beside=(),
    )
