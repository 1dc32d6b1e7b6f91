"""A training round of a masked run: the platforms' updates come as one sum, of which the mean is the only update."""

from dataclasses import dataclass

import numpy as np

from server.aggregation.server_optimiser import Update
from server.rounds.exchange import Answers, Exchange
from server.rounds.kept_sums import KeptSums
from server.rounds.run_state import RunState
from server.rounds.sum_exchange import SumExchange, Summand
from server.rounds.sum_roster import SumRoster
from shared.encoder.encoder import Encoder
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig
from shared.federation.messages import SumWork

MEAN = "mean"
"""stands for all platforms where an update has a name"""


@dataclass(frozen=True, eq=False, kw_only=True)
class MeanUpdate:
    """What came of a round."""

    update: Update | None
    """the mean, of as much weight as there are platforms in it; None where the sum failed"""
    answers: Answers[None]
    """who is in the sum, why others are not, bytes"""
    note: str
    """why there is none; else empty"""


class MaskedTraining:
    """The training rounds of one run."""

    def __init__(
        self, sums: SumExchange, exchange: Exchange, config: RoundsConfig, run: str, parties: tuple[str, ...]
    ) -> None:
        self._sums, self._exchange, self._config, self._run, self._parties = sums, exchange, config, run, parties

    @classmethod
    def of(
        cls, exchange: Exchange, config: RoundsConfig, state: RunState, roster: SumRoster | None, kept: KeptSums
    ) -> "MaskedTraining":
        """For the run of this state; raises ConfigError without a ``roster``."""
        if roster is None:
            raise ConfigError("a masked run needs the platforms' keys for sums (roster); found none registered")
        last = next((record.platforms for record in reversed(state.history) if record.platforms), ())
        parties = tuple(one.party for one in roster.roster.members)
        return cls(SumExchange(exchange, roster, state.run, kept, last), exchange, config, state.run, parties)

    def cohort(self) -> tuple[str, ...]:
        """Names of the platforms that the run sums over; raises FederationError."""
        return tuple(sorted(one.party for one in self._sums.chosen()))

    def mean_update(self, encoder: Encoder, number: int) -> MeanUpdate:
        """Send the encoder out to be trained in the round of this number; the linear part never changes."""
        config, keep, place = self._config, self._exchange.deliveries.keep, encoder.spec.sequence_place
        settings = config.local_in(number)
        summed = self._sums.summed(
            Summand(
                round=number,
                encoder=encoder,
                work=lambda sent: SumWork(
                    run=self._run,
                    round=number,
                    seed=config.seed,
                    parts=("train",),
                    encoder=sent,
                    weights=dict.fromkeys(self._parties, 1.0),
                    settings=settings,
                    keep=keep,
                ),
                left=config.rounds - number + 1,
            )
        )
        update = None
        if summed.result is not None:
            difference, parties = np.zeros(len(encoder.flat)), len(summed.result.survivors)
            difference[place] = summed.result.values / parties
            update = Update(name=MEAN, difference=difference, weight=float(parties))
        note = f"the encoder is unchanged: {summed.note}" if summed.note else ""
        return MeanUpdate(update=update, answers=summed.answers, note=note)
