"""Which platforms have accepted a release: who has answered a run's task has let that run's bundle work there.

A platform unpacks and runs a bundle only where its operator's list names it (docs/decisions/0013), and every answer
with a code of ours comes out of the bundle. A platform tells the coordinator no more than that.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from server.coordinator.run_book import Run
from shared.federation.messages import DeclineReason, FailureCode

_FROM_THE_BUNDLE = frozenset(map(str, (*FailureCode, *DeclineReason)))


def accepted_in(runs: Iterable[Run]) -> dict[str, int]:
    """By platform, the newest run whose bundle it let work; who never did is not there."""
    return {name: run.number for run in runs for record in run.history() for name in _who_answered(record)}


def _who_answered(record: Mapping[str, Any]) -> set[str]:
    """To one question, with a result, with what was no result, or with a code of ours."""
    codes = {**record["declined"], **record["failed"]}
    return {*record["platforms"], *record["dropped"]} | {
        name for name, code in codes.items() if code in _FROM_THE_BUNDLE
    }
