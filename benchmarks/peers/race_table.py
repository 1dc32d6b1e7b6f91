"""The training race as a table: times to the same NDCG@10, and items trained per second, ours over the peers'."""

from benchmarks.peers.race_log import RaceLog, common_level, compare

SHARES = (0.9, 0.95, 1.0)
"""Of a peer's best NDCG@10: the last laps before a best one bring little and take long."""


def markdown(ours: RaceLog, peers: list[RaceLog]) -> str:
    """Two tables: how each raced, and our times over each peer's."""
    return "\n".join([*_races([ours, *peers]), "", *_ratios(ours, peers)])


def _races(logs: list[RaceLog]) -> list[str]:
    level = common_level(logs)
    rows = [
        f"| {log.name} | {log.best:.4f} | {len(log.ndcg)} | {log.seconds[-1]:.0f} | {_seconds(log.seconds_to(level))} "
        f"| {log.targets_per_second:,.0f} | {log.reason} |"
        for log in logs
    ]
    return [
        f"| competitor | best NDCG@10 | laps | training, s | s to {level:.4f} | targets per s | ended because |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]


def _ratios(ours: RaceLog, peers: list[RaceLog]) -> list[str]:
    rows = [
        f"| {peer.name} | {share:.0%} of its best | {one.level:.4f} | {_seconds(one.peer)} | {_seconds(one.ours)} "
        f"| {_ratio(one.ratio)} | {ours.targets_per_second / peer.targets_per_second:.2f} |"
        for peer in peers
        for share in SHARES
        for one in [compare(ours, peer, share * peer.best)]
    ]
    return [
        "| peer | level | NDCG@10 | its s | our s | our time over its | our targets per s over its |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"


def _ratio(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"
