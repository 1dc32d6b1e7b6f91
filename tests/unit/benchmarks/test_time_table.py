import numpy as np
import pytest

from benchmarks.peers.time_table import Cell, rows, table

USERS = 400


def cells(platform: str, ours: float, peers: dict[str, float], *, warm: int = USERS, seed: int = 0) -> list[Cell]:
    """Ours and the peers with the same figure for each warm user, live; a half of it frozen; 0 for others."""

    def figures(value: float) -> dict[str, list[float]]:
        live = np.where(np.arange(USERS) < warm, value, 0.0)
        return {"live": live.tolist(), "frozen": (live / 2).tolist()}

    is_warm = (np.arange(USERS) < warm).tolist()
    said = {"settings": {"window": 3_600.0}, "validation": 0.1, "tried": [1, 2], "seconds": 3.0}
    return [
        Cell(platform=platform, part="local", seed=seed, answer={"local": figures(ours), "warm": is_warm}),
        *(Cell(platform=platform, part=one, seed=seed, answer=figures(v) | said) for one, v in peers.items()),
    ]


def test_compares_with_the_best_peer_on_warm_users() -> None:
    live, frozen = rows(cells("shop", 0.3, {"EASE": 0.2, "iALS": 0.25}, warm=350))
    assert (live.best, live.users, live.counts) == ("iALS", 350, True)
    assert live.ratio.mean == pytest.approx(1.2)
    assert live.ratio.low == pytest.approx(1.2)
    assert frozen.figures["local"].mean() == pytest.approx(0.15)


def test_leaves_out_a_platform_for_which_an_answer_is_missing() -> None:
    whole = cells("shop", 0.3, {"EASE": 0.2, "iALS": 0.25})
    assert rows([*whole, *cells("club", 0.3, {"EASE": 0.2})])[-1].platform == "shop"
    later = cells("shop", 0.3, {"EASE": 0.2}, seed=1)
    assert rows([*whole, *later]) == []


def test_says_the_mean_without_news_and_what_is_below() -> None:
    lines = list(
        table(
            [
                *cells("shop", 0.3, {"EASE": 0.2}),
                *cells("club", 0.19, {"EASE": 0.2}),
                *cells("bank", 0.2, {"EASE": 0.4}, warm=299),
                *cells("mind_news", 0.9, {"EASE": 0.1}),
            ],
        )
    )
    # 1.5 of the shop and .95 of the club: the bank has too few users
    verdict = f"geometric mean without news {(1.5 * 0.95) ** 0.5:.3f} (asked 1.1); below 0.97 beyond noise: club"
    assert f"- live: {verdict}" in lines
    apart = lines.index("Fewer than 300 warm test users:")
    assert min(number for number, line in enumerate(lines) if line.startswith("| bank | live")) > apart
    assert "| shop | EASE | window 3600 | 0.1000 | 2 | 3 |" in lines


def test_news_is_not_asked_to_hold_frozen() -> None:
    lines = list(table([*cells("mind_news", 0.01, {"EASE": 0.1}), *cells("shop", 0.3, {"EASE": 0.2})]))
    assert any(line.startswith("- live") and line.endswith(": mind_news") for line in lines)
    assert any(line.startswith("- frozen") and line.endswith(": none") for line in lines)


def test_says_nothing_of_nothing() -> None:
    assert list(table([])) == []
