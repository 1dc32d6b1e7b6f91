"""The seed: one option, for everything that draws at random."""

from dataclasses import dataclass

from shared.system.options import check, option


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """What draws at random."""

    seed: int = option(0, least=0, help="Of every random draw.")

    def __post_init__(self) -> None:
        check(self)
