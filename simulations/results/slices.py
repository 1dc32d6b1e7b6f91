"""What a result says of parts of the test users: cold and warm ones, cold items, and the curves of a cold start."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.results.outcomes import MethodOutcome

COLD_USERS, WARM_USERS = "cold_users", "warm_users"
TARGET_EVENTS: dict[str, tuple[int, float]] = {"0": (0, 0), "1-3": (1, 3), "4-9": (4, 9), "10+": (10, np.inf)}
"""Name: fewest and most training events of the target."""

Masks = Sequence[NDArray[np.bool_]]


def user_slices(cold_users: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
    """Slice of the users: who is in it."""
    return {COLD_USERS: cold_users, WARM_USERS: ~cold_users}


def slices_entry(outcomes: Sequence[MethodOutcome]) -> dict[str, dict[str, Any]]:
    """Slice: its users (the mean over seeds, rounded) and their mean metrics, null where there are none.

    Slices of the users, not those by their target, have the metrics of their lists too.
    """
    by_slice = [user_slices(outcome.cold_users) for outcome in outcomes]
    entry = {}
    for name in (COLD_USERS, WARM_USERS):
        inside = [slices[name] for slices in by_slice]
        entry[name] = _accuracy(outcomes, inside) | _lists(outcomes, inside, name)
    return {**entry, "cold_items": _accuracy(outcomes, [outcome.cold_items for outcome in outcomes])}


def cold_start_entry(outcomes: Sequence[MethodOutcome]) -> dict[str, dict[str, Any]]:
    """``by_history`` and ``by_target_events``: for each part its users and their mean NDCG@10."""
    known = [(outcome, outcome.cold_start) for outcome in outcomes if outcome.cold_start is not None]
    lengths = dict.fromkeys(length for _, cold_start in known for length in cold_start.by_history)
    by_history = {
        length: _part([cold_start.by_history[length] for _, cold_start in known if length in cold_start.by_history])
        for length in lengths
    }
    by_events = {}
    for name, (least, most) in TARGET_EVENTS.items() if known else ():
        inside = [(cold_start.target_events >= least) & (cold_start.target_events <= most) for _, cold_start in known]
        by_events[name] = _accuracy([outcome for outcome, _ in known], inside)
    return {"by_history": by_history, "by_target_events": by_events}


def mean_or_none(values: ArrayLike) -> float | None:
    """The mean; None of nothing."""
    numbers = np.asarray(values, dtype=np.float64)
    return float(numbers.mean()) if numbers.size else None


def _accuracy(outcomes: Sequence[MethodOutcome], masks: Masks) -> dict[str, Any]:
    return _part([outcome.ndcg[mask] for outcome, mask in zip(outcomes, masks, strict=True)])


def _part(ndcg: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    values = np.concatenate(ndcg)
    return {"count": round(len(values) / len(ndcg)), "ndcg@10": mean_or_none(values)}


def _lists(outcomes: Sequence[MethodOutcome], masks: Masks, name: str) -> dict[str, Any]:
    """The coverage is that of each seed's users, then the mean; the others are means over users of all seeds."""
    pairs = zip(outcomes, masks, strict=True)
    known = [(outcome.lists, mask) for outcome, mask in pairs if outcome.lists is not None and mask.any()]
    nothing = [np.empty(0)]
    return {
        "coverage@10": mean_or_none([lists.coverage[name] for lists, _ in known]),
        "diversity@10": mean_or_none(np.concatenate(nothing + [lists.diversity[mask] for lists, mask in known])),
        "novelty@10": mean_or_none(np.concatenate(nothing + [lists.novelty[mask] for lists, mask in known])),
    }
