"""The synthetic world's plan: which platforms there are, how big, and how far apart."""

from dataclasses import dataclass

from shared.errors import ConfigError
from shared.system.options import check, option


@dataclass(frozen=True, kw_only=True)
class PlatformPlan:
    """One platform of the world: its users, and which part of its domain's items it offers."""

    name: str
    domain: str
    """Platforms of one domain draw from the same pool of items; one of ``DOMAINS``."""
    users: int
    first_item: int
    """Where its catalogue begins in the domain's pool."""
    items: int
    mean_events: float
    """Mean number of events of a user, above the minimum of 4."""


@dataclass(frozen=True, kw_only=True)
class DomainTempo:
    """What time does to a domain where it matters in full."""

    launched: float
    """Share of the catalogue that is launched while users come, at any time."""
    half_life: float
    """Days after its launch in which an item's odds halve, down to ``LEAST_FADED``."""
    basket: float
    """Mean number of items that a user takes at one time."""


TEMPI = {
    "news": DomainTempo(launched=0.8, half_life=3, basket=1.0),
    "shops": DomainTempo(launched=0.3, half_life=60, basket=1.8),
    "films": DomainTempo(launched=0.2, half_life=120, basket=1.0),
}
DOMAINS = tuple(TEMPI)

PLANS = (
    PlatformPlan(name="news", domain="news", users=2000, first_item=0, items=1000, mean_events=10),
    PlatformPlan(name="shop", domain="shops", users=700, first_item=0, items=400, mean_events=7),
    PlatformPlan(name="second-shop", domain="shops", users=500, first_item=200, items=400, mean_events=6),
    PlatformPlan(name="films", domain="films", users=600, first_item=0, items=400, mean_events=10),
    PlatformPlan(name="newcomer", domain="shops", users=100, first_item=100, items=300, mean_events=5),
)
"""A big news site, two shops with half their catalogues in common, a film service of another domain, a tiny shop."""

SOURCE = "news"
"""The platform that pretrains unless another is named."""


@dataclass(frozen=True, kw_only=True)
class WorldConfig:
    """How the world is drawn; raises ConfigError where a value makes no sense."""

    drift: float = option(
        0.2,
        least=0,
        most=1,
        help="How far domains lie apart: the share of a topic's words, of the topics' successors and of the topics' "
        "popularity that a domain has of its own. Platforms of one domain differ by a quarter of it; films by 1.",
    )
    tempo: float = option(
        1.0,
        least=0,
        most=1,
        help="How much time matters: at 1 news fade within days, shops sell baskets, topics have their weekends; at 0 "
        "users take one item at a time, whenever it is.",
    )
    plans: tuple[PlatformPlan, ...] = PLANS
    topics: int = 30
    styles: int = 8
    words_per_topic: int = 8
    late_items: float = 0.1
    """Share of a catalogue that is launched in the second half of the year, so that some test items are cold."""

    def __post_init__(self) -> None:
        check(self)
        unknown = sorted({plan.domain for plan in self.plans} - set(DOMAINS))
        if unknown:
            raise ConfigError(f"a domain must be one of {', '.join(DOMAINS)}; got {', '.join(unknown)}")

    def drift_of_domain(self, domain: str) -> float:
        """How far a domain lies from the world that the news site speaks for."""
        return {"news": 0.0, "shops": self.drift, "films": 1.0}[domain]

    @property
    def drift_within_domain(self) -> float:
        """How far a platform lies from its domain."""
        return self.drift / 4
