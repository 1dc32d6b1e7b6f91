"""From a drift that is noticed to a head that serves well again, or to a federated round that is asked for.

watching → refitting (an alarm) → tried (the refitted head is the challenger) → judged (it serves) → watching (it has
made up for half of the loss), or → round wanted (it was taken back, or it has not). Whatever head comes from elsewhere,
as by a fit with a new encoder, is watched anew.
"""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.adaptation.drift_watch import ALPHA, Watched
from client.adaptation.mean_bets import wealth_above, wealth_below
from client.adaptation.observations import Observations

RECOVERED = 0.5
"""part of the loss that a refitted head has to make up for"""

ENOUGH = 1_000
"""observations since a change that a refit takes: of fewer it would learn too little of what is new"""


class Stage(StrEnum):
    """How far it has come."""

    WATCHING = "watching"
    REFITTING = "refitting"
    TRIED = "tried"
    JUDGED = "judged"
    ROUND_WANTED = "round-wanted"


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """Where a platform stands."""

    head: str
    """lasting name of the head that is watched or judged"""
    stage: Stage = Stage.WATCHING
    refit: str = ""
    """lasting name of the refitted head; empty while there is none"""
    before: float = 0.0
    """mean NDCG@10 of lists before the change"""
    during: float = 0.0
    """and since it, until it was noticed"""
    why: str = ""
    """in words"""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> "Adaptation":
        """The inverse of ``to_json``."""
        return cls(**{**facts, "stage": Stage(facts["stage"])})


def after_watch(
    state: Adaptation, watched: Watched, observations: Observations, click_times: NDArray[np.float64]
) -> Adaptation:
    """Watching goes on, or there is an alarm.

    Args:
        state: at ``WATCHING``.
        watched: what the watch says of all observations and of clicks.
        observations: what the watch saw.
        click_times: [M] seconds since 1970, of what ``watched`` says of ``clicks``.

    Returns:
        The state after it.
    """
    if not watched.alarms:
        most = max(watched.evidence.values(), default=0.0)
        return replace(state, why=f"no drift: evidence is {min(most, 1.0):.0%} of what an alarm takes")
    alarm = watched.alarms[0]
    times = click_times if alarm.statistic == "clicks" else observations.times
    has_begun = observations.times >= times[alarm.began]
    gains = observations.gains
    before = float(gains[~has_begun].mean()) if (~has_begun).any() else 0.0
    during = float(gains[has_begun].mean()) if has_begun.any() else before
    seen = int(has_begun.sum())
    names = ", ".join(dict.fromkeys(alarm.statistic for alarm in watched.alarms))
    why = f"drift of {names}; NDCG@10 {during:.3f} since, {before:.3f} before"
    if seen < ENOUGH:
        return replace(state, why=f"{why}; a refit waits for {ENOUGH:,} observations, there are {seen:,}")
    return replace(state, stage=Stage.REFITTING, before=before, during=during, why=why)


def after_trial(state: Adaptation, served: str, *, is_tried: bool) -> Adaptation:
    """The duel goes on, or the better head serves.

    Args:
        state: at ``TRIED``.
        served: lasting name of the head that serves.
        is_tried: whether the challenger still stands.

    Returns:
        The state after it.
    """
    if served == state.refit:
        return replace(
            state, stage=Stage.JUDGED, head=served, why="the refitted head serves; it is judged by its lists"
        )
    if is_tried:
        return state
    return replace(
        state, stage=Stage.ROUND_WANTED, why="the refitted head was no better on live lists: a round is wanted"
    )


def after_judging(state: Adaptation, gains: NDArray[np.float64]) -> Adaptation:
    """The refitted head has made up for half of the loss, or has not, or that is not known yet.

    Args:
        state: at ``JUDGED``.
        gains: [N] NDCG@10 of its lists, in the order in which they came.

    Returns:
        The state after it.
    """
    watching = replace(state, stage=Stage.WATCHING, refit="")
    if state.before <= state.during:
        return replace(watching, why="the refitted head serves; lists had lost nothing")
    level = state.during + RECOVERED * (state.before - state.during)
    if wealth_above(gains, level).max(initial=0.0) >= 1 / ALPHA:
        return replace(watching, why=f"recovered by the head alone: NDCG@10 {gains.mean():.3f}")
    if wealth_below(gains, level).max(initial=0.0) >= 1 / ALPHA:
        why = (
            f"the refitted head has NDCG@10 {gains.mean():.3f}, {state.before:.3f} before the drift: a round is wanted"
        )
        return replace(state, stage=Stage.ROUND_WANTED, why=why)
    return state
