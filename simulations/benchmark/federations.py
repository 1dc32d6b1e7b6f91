"""The federations of the benchmark: shops of one trade, none of them large, alone and beside far platforms."""

from dataclasses import dataclass, field
from pathlib import Path

from client.ensemble.candidates import LOCAL
from client.transfer.feature import FEATURE, FEDERATED, POOLED
from simulations.benchmark.pairs import MINIMA, MOVIES, SMALL_SOURCE, platform_line
from simulations.config.run_config import RunConfig

SHARE = 3.7
"""Percent of the users of amazon_games that one shop has: some 1,860."""


@dataclass(frozen=True, kw_only=True)
class Federation:
    """Shops whose users are disjoint; the first pretrains, the others are reported."""

    name: str
    shops: tuple[str, ...]
    """each a folder with its options"""
    far: dict[str, str] = field(default_factory=dict)
    """further members by name, who take part and are not reported"""
    weighting: str = "uniform"
    """how much a member counts"""
    adapters: str = "none"
    """what travels of a member's update"""
    updates: str = "whole"
    """how what was trained travels"""
    rounds: int = 12
    methods: tuple[str, ...] = (LOCAL, FEDERATED.name)

    @property
    def reported(self) -> tuple[str, ...]:
        """Names of the shops that are compared."""
        return tuple(f"shop-{number}" for number in range(2, len(self.shops) + 1))


EIGHT_SHOPS = tuple(f"amazon_games,users={SHARE * shop:g}-{SHARE * (shop + 1):g}" for shop in range(8))
FAR = {"news": f"mind_news{SMALL_SOURCE}", "movielens": MOVIES, "retail": f"uci_retail{SMALL_SOURCE}"}

FEDERATIONS = (
    Federation(name="shops", shops=EIGHT_SHOPS, methods=(LOCAL, FEATURE.name, FEDERATED.name, POOLED.name)),
    Federation(name="shops-moments", shops=EIGHT_SHOPS, rounds=0),
    Federation(name="shops-far", shops=EIGHT_SHOPS, far=FAR),
    Federation(name="shops-far-helpful", shops=EIGHT_SHOPS, far=FAR, weighting="helpfulness"),
    Federation(name="shops-adapters", shops=EIGHT_SHOPS, adapters="lora:64"),
    Federation(name="shops-bytes", shops=EIGHT_SHOPS, updates="steps"),
)
"""The first is what the others are compared with."""


def federation_config(federation: Federation, seed: int, data: Path) -> RunConfig:
    """The run of a federation and seed."""
    members = {f"shop-{number}": line for number, line in enumerate(federation.shops, 1)} | federation.far
    return RunConfig.from_dict(
        {
            "source": ["shop-1"],
            "platform": [platform_line(name, data, line) for name, line in members.items()],
            "report": list(federation.reported),
            "methods": list(federation.methods),
            "rounds": federation.rounds,
            "weighting": federation.weighting,
            "adapters": federation.adapters,
            "updates": federation.updates,
            "seed": seed,
            **MINIMA,
        }
    )
