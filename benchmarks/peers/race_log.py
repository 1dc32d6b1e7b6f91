"""What a competitor of the training race said on stdout, one JSON object a line, and how two of them compare.

Lines: ``{"kind": "start", "versions": {..}, "settings": {..}}``, then one
``{"kind": "lap", "wall": s, "processor": s, "targets": t, "ndcg": v}`` a lap, times and targets cumulative, then
``{"kind": "end", "reason": ".."}``.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from shared.errors import DataError

BUDGET_OVER = "its budget of seconds is over"
Clock = Literal["wall", "processor"]
FIELDS = {"start": {"versions", "settings"}, "lap": {"wall", "processor", "targets", "ndcg"}, "end": {"reason"}}


@dataclass(frozen=True, kw_only=True)
class RaceLog:
    """One competitor's race."""

    name: str
    versions: dict[str, str]
    settings: dict[str, Any]
    seconds: tuple[float, ...]
    """of training by one clock, without evaluation, up to the end of each lap"""
    targets: tuple[float, ...]
    """items trained to be predicted up to the end of each lap; one counts as often as it was one"""
    ndcg: tuple[float, ...]
    """validation NDCG@10 after each lap"""
    reason: str
    """why it ended; empty where the lines stop before that"""

    @classmethod
    def parse(cls, name: str, lines: Iterable[str], clock: Clock) -> "RaceLog":
        """Read a competitor's lines by one of their two clocks.

        Raises:
            DataError: where a line is no such object, a lap comes before the start, or time runs backwards.
        """
        start: dict[str, Any] | None = None
        laps: list[tuple[float, float, float]] = [(0.0, 0.0, 0.0)]
        reason = ""
        for number, line in enumerate(lines, 1):
            entry = _entry(name, number, line)
            if entry["kind"] == "start":
                start = entry
            elif entry["kind"] == "end":
                reason = str(entry["reason"])
            else:
                laps.append(_lap(name, number, entry, clock, after=laps[-1] if start else None))
        if start is None:
            raise DataError(f"{name}: a race begins with a line of kind 'start'; found none")
        seconds, targets, ndcg = zip(*laps, strict=True)
        return cls(
            name=name,
            versions=dict(start["versions"]),
            settings=dict(start["settings"]),
            seconds=seconds[1:],
            targets=targets[1:],
            ndcg=ndcg[1:],
            reason=reason,
        )

    def is_over(self, budget: float) -> bool:
        """False where the lines stop early, or where it was a smaller budget that ended the race."""
        return self.reason not in ("", BUDGET_OVER) or (self.reason == BUDGET_OVER and self.seconds[-1] >= budget)

    @property
    def best(self) -> float:
        """The highest NDCG@10; 0 where no lap ended."""
        return max(self.ndcg, default=0.0)

    @property
    def targets_per_second(self) -> float:
        """Over the whole race; 0 where no lap ended."""
        return self.targets[-1] / self.seconds[-1] if self.seconds else 0.0

    def seconds_to(self, level: float) -> float | None:
        """When NDCG@10 first reached ``level``, linear within a lap from 0 at the start; None if never."""
        if level <= 0:
            return 0.0
        before, started = 0.0, 0.0
        for now, ended in zip(self.ndcg, self.seconds, strict=True):
            if now >= level:
                return started + (ended - started) * (level - before) / (now - before)
            before, started = now, ended
        return None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Our race against one peer's at one level of NDCG@10."""

    level: float
    ours: float | None
    """seconds to the level; None where it was never reached"""
    peer: float | None

    @property
    def ratio(self) -> float | None:
        """Our seconds over the peer's; None where one of the two did not get there."""
        return self.ours / self.peer if self.ours is not None and self.peer else None


def compare(ours: RaceLog, peer: RaceLog, level: float) -> Comparison:
    """Both times to one level."""
    return Comparison(level=level, ours=ours.seconds_to(level), peer=peer.seconds_to(level))


def common_level(logs: Iterable[RaceLog]) -> float:
    """The highest NDCG@10 that every competitor reached."""
    return min(log.best for log in logs)


def _entry(name: str, number: int, line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        entry = None
    if not isinstance(entry, dict) or not FIELDS.get(str(entry.get("kind")), {"a known kind"}) <= entry.keys():
        got = repr(line.strip()[:60])
        raise DataError(f"{name}, line {number}: expected a start, a lap or an end as JSON; got {got}")
    return entry


def _lap(
    name: str, number: int, entry: dict[str, Any], clock: Clock, *, after: tuple[float, float, float] | None
) -> tuple[float, float, float]:
    if after is None:
        raise DataError(f"{name}, line {number}: a race begins with a line of kind 'start'; got a lap")
    seconds, targets, ndcg = float(entry[clock]), float(entry["targets"]), float(entry["ndcg"])
    if not (seconds > after[0] and targets >= after[1] and 0 <= ndcg <= 1):
        figures = f"{seconds:g} s, {targets:g}, {ndcg:g}"
        raise DataError(f"{name}, line {number}: seconds must grow, targets not shrink, NDCG be in 0..1; got {figures}")
    return seconds, targets, ndcg
