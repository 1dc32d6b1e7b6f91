"""Where the dashboard listens, and to whom it may answer."""

from dataclasses import dataclass

from shared.errors import ConfigError
from shared.pages.page_guard import LOOPBACK_NAMES
from shared.system.host import check_address, is_loopback
from shared.system.options import MOST_PORT, Checked, option


@dataclass(frozen=True, kw_only=True)
class DashboardSettings(Checked):
    """Of the page; raises ConfigError where a value makes no sense."""

    host: str = option(
        "127.0.0.1",
        check=check_address,
        help="The address to listen on; beyond loopback only with --open-to-network.",
    )
    port: int = option(9480, least=0, most=MOST_PORT, help="The port; 0 takes a free one.")
    open_to_network: bool = option(
        False,
        help="Listen on an address that other machines reach: whoever does reads the page, without password and TLS.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_loopback(self.host) and not self.open_to_network:
            raise ConfigError(
                f"host must be a loopback address such as 127.0.0.1, for whoever reaches the page reads it without a "
                f"password; got {self.host}, which needs --open-to-network"
            )

    def names(self, coordinator: tuple[str, ...]) -> tuple[str, ...]:
        """Hosts that a request may name: loopback's own, and beyond it the address and the coordinator's names."""
        return LOOPBACK_NAMES if is_loopback(self.host) else (*LOOPBACK_NAMES, self.host, *coordinator)
