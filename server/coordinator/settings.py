"""What the operator sets for this coordinator: where platforms reach it, and how much it takes from one of them."""

from dataclasses import dataclass

from shared.errors import ConfigError
from shared.system.host import is_address, is_host
from shared.system.options import MetricsPort, option


def _check_address(key: str, host: str) -> None:
    if not is_address(host):
        raise ConfigError(f"{key} must be an IP address; got {host!r}")


def _check_names(key: str, names: tuple[str, ...]) -> None:
    if not names:
        raise ConfigError(f"{key} must be at least one host name or address; got []")
    if wrong := [name for name in names if not is_host(name)]:
        raise ConfigError(f"{key} must be host names or IP addresses; got {wrong[0]!r}")


@dataclass(frozen=True, kw_only=True)
class ServerSettings(MetricsPort):
    """The settings file, checked; raises ConfigError for what cannot be."""

    host: str = option(
        "0.0.0.0",  # noqa: S104
        check=_check_address,
        help="The address to listen on; the engine itself listens on loopback alone.",
    )
    port: int = option(9443, least=1, most=65535, help="The port that platforms reach.")
    names: tuple[str, ...] = option(
        ("localhost",),
        check=_check_names,
        flag="--name",
        repeated=True,
        help="A host name or address under which platforms reach it; may be repeated. The certificate is made for "
        "these.",
    )
    body_mib: int = option(512, above=0, flag="", help="The largest request, in MiB.")
    requests_per_second: float = option(
        100.0, above=0, flag="", help="Of one address, on the long run; four times as many at once."
    )
    log_mib: int = option(
        10, above=0, flag="", help="A log is put aside at this size, in MiB, and the one before it is dropped."
    )
