"""The release gate: what platforms made of an encoder, by which it is published or held.

A platform tells the coordinator no verdict of its own gate. It tells what an encoder is worth on its validation events,
or that it takes no part; the newest question of this kind that was answered decides.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.coordinator.release_settings import ReleaseSettings
from server.coordinator.run_book import EVALUATE, Run, answered, declined, kept_evaluation
from shared.federation.messages import BOTH

History = Sequence[Mapping[str, Any]]
_ROUNDING = 1e-9
"""by which a share is too large where scores of two digits, such as .1 and .09, are divided"""


@dataclass(frozen=True, kw_only=True)
class GateVerdict:
    """What is known of an encoder."""

    run: int | None
    """number of the run that left it; None where none did"""
    accepted: int
    """platforms or devices that judged it and lost no more than is tolerated; a group of them loses as one"""
    declined: int
    """platforms that declined to judge it, or lost more"""
    held: str
    """why it is not to be published; empty where it may be"""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What one platform, or one group, lost."""

    name: str
    share: float
    """of its NDCG@10 with the encoder that the run began with; below 0 it gained"""
    doubt: float
    """twice the standard error that noise gives to the share"""


def gate_verdict(encoder: bytes, runs: Iterable[Run], settings: ReleaseSettings) -> GateVerdict:
    """Judge an encoder by what platforms said of it.

    Args:
        encoder: content of its file.
        runs: of the coordinator, the oldest first.
        settings: what is tolerated.

    Returns:
        The verdict.

    Raises:
        ConfigError: if a run's folder is damaged.
    """
    run = run_that_left(encoder, runs)
    if run is None:
        return GateVerdict(run=None, accepted=0, declined=0, held="no platform has judged it: no completed run left it")
    history = run.history()
    judged = kept_evaluation(history)
    if judged is None:
        held = f"no platform has judged it: run {run.number} left it, and nobody evaluated it there"
        return GateVerdict(run=run.number, accepted=0, declined=0, held=held)
    losses = losses_in(judged, history)
    beyond = [loss for loss in losses if loss.share - loss.doubt > settings.release_tolerated_loss + _ROUNDING]
    lost = sum(len(judged.get("groups", {}).get(loss.name, (loss.name,))) for loss in beyond)
    reasons = [*_share_reason(declined(judged), answered(judged), settings), *_loss_reasons(beyond, settings)]
    return GateVerdict(
        run=run.number,
        accepted=answered(judged) - lost,
        declined=declined(judged) + lost,
        held=f"{'; '.join(reasons)}, in run {run.number}" if reasons else "",
    )


def run_that_left(encoder: bytes, runs: Iterable[Run]) -> Run | None:
    """The newest completed run that ended with this very encoder.

    Args:
        encoder: content of its file.
        runs: the oldest first.

    Returns:
        The run; None where there is none.
    """
    digest = hashlib.sha256(encoder).digest()
    completed = [run for run in runs if run.standing().state == "completed" and run.encoder.exists()]
    left = (run for run in reversed(completed) if hashlib.sha256(run.encoder.read_bytes()).digest() == digest)
    return next(left, None)


def losses_in(judged: Mapping[str, Any], history: History) -> list[Loss]:
    """What each platform lost against the first encoder that it judged in the same run.

    Args:
        judged: the question whose answers count, a line of the history.
        history: of the run.

    Returns:
        One for each platform, or group of the same members, that judged both; nothing of who scored 0 before. A cohort
        has lost nothing.
    """
    losses = []
    for name, parts in judged["validation"].items():
        first = next((line for line in history if _comparable(line, judged, name)), judged)
        before, after = first["validation"][name].get(BOTH, 0.0), parts.get(BOTH, 0.0)
        if before > 0:
            spread = math.hypot(*(line.get("spread", {}).get(name, 0.0) for line in (first, judged)))
            losses.append(Loss(name=name, share=1 - after / before, doubt=2 * spread / before))
    return losses


def _comparable(line: Mapping[str, Any], judged: Mapping[str, Any], name: str) -> bool:
    """Cohorts are never compared: others were drawn."""
    same = not line.get("counts") and line.get("groups", {}).get(name) == judged.get("groups", {}).get(name)
    return bool(line["kind"] == EVALUATE and name in line["validation"] and same)


def _share_reason(declining: int, answering: int, settings: ReleaseSettings) -> list[str]:
    tolerated, asked = settings.release_tolerated_declined, declining + answering
    if not asked or declining / asked <= tolerated:
        return []
    return [f"{declining} of {asked} platforms declined it, and {_percent(tolerated)} are tolerated"]


def _loss_reasons(beyond: Sequence[Loss], settings: ReleaseSettings) -> list[str]:
    tolerated = _percent(settings.release_tolerated_loss)
    return [
        f"{loss.name} lost {_percent(loss.share)} of its NDCG@10, and {tolerated} are tolerated"
        for loss in sorted(beyond, key=lambda loss: -loss.share)
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
