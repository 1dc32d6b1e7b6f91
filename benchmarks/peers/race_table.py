"""The training race as a table: times to the same NDCG@10, and items trained per second, ours over the peers'."""

from benchmarks.narrow_tables import narrow_tables
from benchmarks.peers.race_log import RaceLog, common_level, compare

SHARES = (0.9, 0.95, 1.0)
"""Of a peer's best NDCG@10: the last laps before a best one bring little and take long."""


def markdown(ours: RaceLog, peers: list[RaceLog]) -> str:
    """How each raced, and our times over each peer's."""
    return f"{_races([ours, *peers])}\n{_ratios(ours, peers)}".rstrip("\n")


def _races(logs: list[RaceLog]) -> str:
    level = common_level(logs)
    rows = [
        (
            *(log.name, f"{log.best:.4f}", len(log.ndcg), f"{log.seconds[-1]:.0f}", log.reason),
            *(_seconds(log.seconds_to(level)), f"{log.targets_per_second:,.0f}"),
        )
        for log in logs
    ]
    heads = ("competitor", "best NDCG@10", "laps", "training, s", "ended because", f"s to {level:.4f}", "targets per s")
    return narrow_tables(heads, rows, keys=1, cuts=(5,))


def _ratios(ours: RaceLog, peers: list[RaceLog]) -> str:
    rows = [
        (
            *(
                peer.name,
                f"{share:.0%} of its best",
                f"{comparison.level:.4f}",
                _seconds(comparison.peer),
                _seconds(comparison.ours),
            ),
            *(_ratio(comparison.ratio), f"{ours.targets_per_second / peer.targets_per_second:.2f}"),
        )
        for peer in peers
        for share in SHARES
        for comparison in [compare(ours, peer, share * peer.best)]
    ]
    heads = ("peer", "level", "NDCG@10", "its s", "our s", "our time over its", "our targets per s over its")
    return narrow_tables(heads, rows, keys=2, cuts=(5,))


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"


def _ratio(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"
