"""Where releases come from: the coordinator's door, a folder, or an HTTPS address; several stand in for each other."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from shared.errors import ConfigError
from shared.system.host import Endpoint

COORDINATOR = "coordinator"
AT_THE_DOOR = "releases"
"""where the coordinator's door has them"""
METADATA, TARGETS = "metadata", "targets"
"""folders of a repository of releases"""
_FOLDER, _HTTPS = "file", "https"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A repository of releases; what it sends is believed only where its signatures hold."""

    name: str
    """as a person wrote it"""
    address: str
    """of the repository, as a URL that ends in a slash"""
    trust: ssl.SSLContext | None = None
    """who must have signed its certificate; None for a folder"""
    http_proxy: str = ""
    """the way out of this network; empty goes straight"""

    @property
    def metadata(self) -> str:
        """The address of what says which release is current."""
        return f"{self.address}{METADATA}/"

    @property
    def targets(self) -> str:
        """The address of the releases' files."""
        return f"{self.address}{TARGETS}/"


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a platform comes to its coordinator."""

    server: Endpoint
    authority: str
    """the certificate of the coordinator's authority, as PEM"""
    http_proxy: str = ""


def source_of(text: str, way: Way, beside: Path = Path()) -> Source:
    """A source by what a person wrote.

    Args:
        text: ``coordinator``, ``https://...`` or a folder.
        way: to the coordinator, and out of this network.
        beside: the folder from which a relative path counts.

    Returns:
        The source; nothing is asked for yet.

    Raises:
        ConfigError: if it is none.
    """
    if text == COORDINATOR:
        trust = _trust(way.authority)
        address = f"{_HTTPS}://{way.server}/{AT_THE_DOOR}/"
        return Source(name=text, address=address, trust=trust, http_proxy=way.http_proxy)
    scheme = urlsplit(text).scheme
    if scheme == _HTTPS:
        trust = ssl.create_default_context()
        return Source(name=text, address=text.rstrip("/") + "/", trust=trust, http_proxy=way.http_proxy)
    folder = beside / text
    if scheme and not folder.exists():
        raise ConfigError(f"a source of releases must be {COORDINATOR}, a folder or https://...; got {text!r}")
    if not (folder / METADATA).is_dir():
        raise ConfigError(f"{folder}: expected a folder of releases, with {METADATA}/ in it; found none")
    return Source(name=text, address=f"{_FOLDER}://{quote(str(folder.resolve()))}/")


def _trust(authority: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError("the coordinator's authority: expected a certificate as PEM; found something else") from error
