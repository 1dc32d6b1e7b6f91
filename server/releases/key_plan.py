"""How many keys sign releases at first."""

from dataclasses import dataclass

from shared.errors import ConfigError
from shared.system.options import Checked, option

MOST_KEYS = 16


@dataclass(frozen=True, kw_only=True)
class KeyPlan(Checked):
    """How many keys there are at first of the two roles that lie off line; raises ConfigError where that cannot be."""

    root_keys: int = option(1, least=1, most=MOST_KEYS, help="Keys that say whose keys count, at first.")
    root_threshold: int = option(1, least=1, most=MOST_KEYS, help="How many of them must sign.")
    targets_keys: int = option(1, least=1, most=MOST_KEYS, help="Keys that say which releases there are, at first.")
    targets_threshold: int = option(1, least=1, most=MOST_KEYS, help="How many of them must sign.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for role in ("root", "targets"):
            keys, threshold = self.of(role)
            if threshold > keys:
                raise ConfigError(f"{role}-threshold must be at most {role}-keys, {keys}; got {threshold}")

    def of(self, role: str) -> tuple[int, int]:
        """Keys and threshold of a role of TUF's."""
        if role in ("root", "targets"):
            return getattr(self, f"{role}_keys"), getattr(self, f"{role}_threshold")
        return 1, 1


ONE_KEY_EACH = KeyPlan()
