"""The coordinator's door as it is seen from this machine: whether its name, port, certificate and clock are right.

It asks for ``GET /health`` as anybody may, over TLS that must verify against the coordinator's authority alone; it
shows no key, and nothing of the platform leaves.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from client.agent.finding import Cause, Finding
from client.agent.home import MemberSettings
from shared.system.host import Endpoint
from shared.system.utc_clock import utc_now

SECONDS = 5.0
"""for the door to answer"""
AHEAD_SECONDS, BEHIND_SECONDS = 5.0, 300.0
"""by how much a platform's clock may differ from the coordinator's: Flower's ``node_auth.py`` refuses others"""
_RESOLUTION = 1.0
"""of the time in an answer"""
_OTHER_NAME = {62, 64}
_NOT_NOW = {9: "is not valid yet", 10: "has expired"}
"""OpenSSL's codes (x509_vfy.h): another host name or address; not valid yet, expired"""
OPEN, BUSY, SHUT = 200, 429, 503
_ADDRESS = "--server of init; server in the agent's settings.toml, then stop and start"
_WAY_OUT = "http-proxy in the agent's settings.toml, then stop and start"
_LOOK = f"look at host and port ({_ADDRESS}): graft-server init printed the coordinator's"
_LATER = "the agent tries again until it answers; if it does not, look whether the coordinator runs, and at"


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where the coordinator is, and who vouches for it."""

    server: Endpoint
    authority: bytes
    """the certificate of the coordinator's authority, as PEM"""
    http_proxy: str = ""
    """the way out of this network; empty goes straight"""

    def look(self, now: Callable[[], datetime] = utc_now) -> Finding | None:
        """What keeps an agent from being admitted there, or None."""
        try:
            status, date = self._asked()
        except (OSError, HTTPException) as error:
            return self._closed(error)
        return self._judged(status, date, now())

    def _asked(self) -> tuple[int, str]:
        """Status and date of the answer; raises OSError or HTTPException where there is none."""
        with closing(self._connection()) as connection:
            connection.request("GET", "/health")
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Date", "")

    def _connection(self) -> HTTPSConnection:
        trust = ssl.create_default_context(cadata=self.authority.decode("ascii", "replace"))
        if not self.http_proxy:
            return HTTPSConnection(self.server.host, self.server.port, context=trust, timeout=SECONDS)
        way = urlsplit(self.http_proxy)
        connection = HTTPSConnection(way.hostname or "", way.port or 80, context=trust, timeout=SECONDS)
        connection.set_tunnel(self.server.host, self.server.port)
        return connection

    def _judged(self, status: int, date: str, moment: datetime) -> Finding | None:
        if status == SHUT:
            why, do = f"{self.server}: the coordinator is starting", "the agent tries again until it is ready"
            return Finding(cause=Cause.STARTING, why=why, do=do)
        if status not in (OPEN, BUSY):
            why = f"{self.server}: expected a coordinator's answer; found the status {status}"
            return Finding(cause=Cause.NO_COORDINATOR, why=why, do=_LOOK, lasting=True)
        return self._clock(date, moment)

    def _clock(self, date: str, moment: datetime) -> Finding | None:
        try:
            ahead = (moment - parsedate_to_datetime(date)).total_seconds()
        except (ValueError, TypeError):
            return None
        if -BEHIND_SECONDS <= ahead <= AHEAD_SECONDS + _RESOLUTION:
            return None
        side = "ahead of" if ahead > 0 else "behind"
        why = f"this machine's clock is {abs(ahead):,.0f} seconds {side} the coordinator's, who refuses it so"
        return Finding(cause=Cause.CLOCK, why=why, do="set the clock right; the agent is then back by itself")

    def _closed(self, error: OSError | HTTPException) -> Finding:
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._certificate(error)
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            why = f"{self.server}: expected TLS; what listens there speaks something else"
            return Finding(cause=Cause.NO_COORDINATOR, why=why, do=_LOOK, lasting=True)
        if isinstance(error, socket.gaierror):
            why = f"{self._first_stop}: this name is not known on this machine's network"
            where = _WAY_OUT if self.http_proxy else _ADDRESS
            return Finding(cause=Cause.NAME_UNKNOWN, why=why, do=f"{_LATER} the name ({where})")
        why = f"{self.server}: no answer ({_reason(error)})"
        return Finding(cause=Cause.UNREACHABLE, why=why, do=f"{_LATER} host and port ({_ADDRESS}) and firewalls")

    def _certificate(self, error: ssl.SSLCertVerificationError) -> Finding:
        code = error.verify_code
        if code in _NOT_NOW:
            why = f"{self.server}: the coordinator's certificate {_NOT_NOW[code]}"
            do = "the coordinator runs graft-server certificate renew and starts again; look at this machine's clock"
            return Finding(cause=Cause.CERTIFICATE, why=why, do=do)
        if code in _OTHER_NAME:
            why = f"{self.server}: the certificate there is for other names than {self.server.host}"
            do = (
                f"take a name that graft-server init printed ({_ADDRESS}); or the coordinator adds this one to names "
                "in their settings.toml, and runs graft-server certificate renew"
            )
            return Finding(cause=Cause.CERTIFICATE, why=why, do=do, lasting=True)
        why = f"{self.server}: the certificate there is not signed by this authority"
        return Finding(cause=Cause.CERTIFICATE, why=why, do=f"{_LOOK}, and take its own tls/ca.crt", lasting=True)

    @property
    def _first_stop(self) -> str:
        return (urlsplit(self.http_proxy).hostname or "") if self.http_proxy else self.server.host


def door_of(settings: MemberSettings, authority: Path) -> Door:
    """The door that an agent with these settings comes to.

    Args:
        settings: of the agent; they name the coordinator and a proxy.
        authority: file of the coordinator's authority.

    Returns:
        the door; nothing is connected yet.

    Raises:
        OSError: if the authority cannot be read.
    """
    return Door(
        server=Endpoint.parse(settings.server), authority=authority.read_bytes(), http_proxy=settings.http_proxy
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLEOFError):
        return "the connection was closed before TLS was agreed on"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).splitlines()[0].lower()
