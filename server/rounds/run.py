"""All rounds of a run: moments first, then training rounds, each followed by an evaluation; or sums, or cohorts."""

from collections.abc import Callable
from dataclasses import replace

from flwr.serverapp import Grid

from server.aggregation.server_optimiser import BuildAggregation, ServerOptimiser
from server.aggregation.size_classes import NO_CLASSES, SizeClasses
from server.rounds.async_loop import AsyncLoop
from server.rounds.cohort_loop import CohortLoop
from server.rounds.exchange import Exchange
from server.rounds.kept_sums import NOT_KEPT, KeptSums
from server.rounds.known_ledgers import KnownLedgers
from server.rounds.loop import NO_LEDGERS, RoundLoop
from server.rounds.masked_loop import MaskedLoop
from server.rounds.masked_rounds import GroupedSums, MaskedRounds, Sums, secure_sums
from server.rounds.private_sums import PrivateSums
from server.rounds.run_state import RunState
from server.rounds.sum_roster import SumRoster
from server.rounds.told_stage import NOBODY_TOLD, StageTeller
from server.rounds.waiting import Clock
from shared.encoder.cross import CatalogueMoments
from shared.federation.config import RoundsConfig
from shared.federation.signatures import TaskSigner

OpenSums = Callable[[Exchange, RoundsConfig], Sums]


def run_rounds(
    grid: Grid,
    config: RoundsConfig,
    state: RunState,
    *,
    clock: Clock,
    on_round: Callable[[RunState], None] = lambda _state: None,
    aggregation: BuildAggregation = ServerOptimiser,
    signer: TaskSigner | None = None,
    classes: SizeClasses = NO_CLASSES,
    public: CatalogueMoments | None = None,
    ledgers: KnownLedgers = NO_LEDGERS,
    roster: SumRoster | None = None,
    sums: KeptSums = NOT_KEPT,
    teller: StageTeller = NOBODY_TOLD,
    open_sums: OpenSums | None = None,
) -> RunState:
    """All rounds of a run that ``state`` does not hold yet.

    A run that is begun again from a state that ``on_round`` got ends with the same encoder.

    Args:
        grid: carries messages to the platforms.
        config: of the run.
        state: what the run has reached.
        clock: tells the time, in seconds, and sleeps.
        on_round: gets the state at the start and after each round.
        aggregation: makes what takes the server's step.
        signer: signs the tasks; None: tasks are not signed.
        classes: users by platform, as they are registered: what each platform may weigh.
        public: moments of the catalogue, which whiten what leaves under noise; None where no catalogue is known.
        ledgers: where is written down what leaves under noise.
        roster: the platforms that a masked run sums over; None where none is registered with a key for sums.
        sums: where is kept how far a masked run's sums have come.
        teller: tells those who watch what is asked of whom, and who has answered.
        open_sums: makes what sums a masked run without masks, as a simulation may; None: platforms mask.

    Returns:
        The state after the last round.

    Raises:
        FederationError: if fewer than ``min_platforms`` are online for ``wait_seconds``, or if all are required and one
            stays away.
        ConfigError: if the aggregation cannot go on from a state, or a masked run has no roster, too few groups for its
            robust rule, or no size class that it needs.
    """
    loop = RoundLoop(grid, config, clock, aggregation, state, signer, classes, ledgers, teller)
    masked = None
    if config.privacy == "masked":
        if open_sums is None:
            grouped = secure_sums(loop.exchange, config, state, roster, sums)
        else:
            grouped = GroupedSums(sums=open_sums(loop.exchange, config))
        masked = MaskedRounds(loop.exchange, config, classes, grouped, ledgers.heads)
    on_round(state)
    if config.require_all and not state.cohort:
        loop.exchange.cohort = masked.cohort() if masked else tuple(loop.exchange.wait_for_platforms())
        state = replace(state, cohort=loop.exchange.cohort)
        on_round(state)
    if masked:
        return MaskedLoop(loop, masked, config).run(state, on_round)
    if config.is_masked:
        private = PrivateSums.of(loop.exchange, config, clock, state, roster, sums, classes, public, ledgers.heads)
        return private.run(state, on_round)
    if config.buffer:
        return AsyncLoop(loop, config).run(state, on_round)
    if config.cohort:
        return CohortLoop(loop, config).run(state, on_round)
    return _plain_rounds(loop, config, state, on_round, public)


def _plain_rounds(
    loop: RoundLoop,
    config: RoundsConfig,
    state: RunState,
    on_round: Callable[[RunState], None],
    public: CatalogueMoments | None,
) -> RunState:
    if config.evaluate_every and not state.history:
        state = loop.evaluated(state)
        on_round(state)
    if config.moments and not any(record.kind == "moments" for record in state.history):
        state = loop.judged_moments(state, public)
        on_round(state)
    while state.round < config.training_rounds:
        state = loop.training_round(state)
        if config.evaluate_every and (state.round % config.evaluate_every == 0 or state.round == config.rounds):
            state = loop.evaluated(state)
        on_round(state)
    return state
