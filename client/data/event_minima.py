"""How many events users and items must have to be counted in."""

from dataclasses import dataclass

from shared.system.options import check, option


@dataclass(frozen=True, kw_only=True)
class EventMinima:
    """Applied to the whole folder, before any part of it is taken."""

    min_user_events: int = option(3, least=1, help="Users with fewer events are left out.")
    min_item_events: int = option(1, least=1, help="Items with fewer events are left out.")

    def __post_init__(self) -> None:
        check(self)
