"""Which options of a platform's line leave each user alone with their own events.

Noise hides what one user moves. It does so only where they move nothing but what is theirs: where their coming made an
item frequent enough to count, or drew others into or out of a part, the histories of many would change with them.
"""

from client.data.folder_options import Preparation
from shared.errors import ConfigError
from shared.system.options import entries


def require_apart(preparation: Preparation, name: str) -> None:
    """Require options under which no user decides about another one's events.

    Args:
        preparation: options of a platform's line.
        name: of the platform, for the error.

    Raises:
        ConfigError: if users are not kept apart; it says which options to leave out.
    """
    apart = Preparation(
        min_user_events=preparation.min_user_events,
        fraction=preparation.fraction,
        items=preparation.items,
        min_rating=preparation.min_rating,
        repeats=preparation.repeats,
        times=preparation.times,
        basket=preparation.basket,
        protocol=preparation.protocol,
    )
    if options := [entry.key for entry in entries(Preparation) if entry.of(preparation) != entry.of(apart)]:
        raise ConfigError(
            f"{name}: expected options under which no user decides about another one's events, as the promise of a "
            f"private platform needs; found {', '.join(options)}"
        )
