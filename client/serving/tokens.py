"""Who may call: tokens, of which the file holds names and digests alone."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared.errors import CallersUnknown, ConfigError, os_error_as
from shared.system.whole_file import write_whole

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LINE = re.compile(r"\s*(?P<name>\S+)\s+(?P<digest>[0-9a-f]{64})(\s+(?P<made>\S+))?\s*")
_SHOWN = 8
"""Hexadecimal digits of a digest that tell two tokens apart for a person."""


@dataclass(frozen=True, kw_only=True)
class KnownToken:
    """What a token file holds of one caller; the token itself it does not."""

    name: str
    digest: str
    """SHA-256 of the token, hexadecimal"""
    made: datetime | None
    """UTC, to the second; None in a line of before, which does not say it"""

    def line(self) -> str:
        """As the file has it."""
        moment = () if self.made is None else (self.made.astimezone(UTC).isoformat(timespec="seconds"),)
        return " ".join((self.name, self.digest, *moment))

    def to_json(self) -> dict[str, Any]:
        """For a person: the name, when it was made, and the first digits of the digest."""
        moment = None if self.made is None else self.made.isoformat()
        return {"name": self.name, "made": moment, "digest": self.digest[:_SHOWN]}


class Tokens:
    """The callers of a token file.

    While the file cannot be read, its callers of before are known for ``hold`` seconds, and then nobody is: one of them
    may have been revoked meanwhile.
    """

    def __init__(self, file: Path, hold: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError where the file is not one of tokens."""
        self._file, self._hold, self._clock = file, hold, clock
        self._unread_since: float | None = None
        if not file.exists():
            raise ConfigError(f"{file}: there is no such file; graft-client token add NAME --tokens {file} makes it")
        with _named(file):
            self._known = _read(file)

    def reload(self) -> None:
        """Take in what was added and revoked since; raises ConfigError where the file is not one of tokens.

        And where it holds none: that is known from then on, and nobody is let in.
        """
        try:
            self._known = _read(self._file)
        except Exception:
            if self._unread_since is None:
                self._unread_since = self._clock()
            raise
        self._unread_since = None
        if not self._known:
            raise ConfigError("the token file holds no token, so nobody can call; graft-client token add NAME")

    @property
    def void(self) -> bool:
        """Whether the file has been unreadable for so long that nobody is known any more."""
        since = self._unread_since
        return since is not None and self._clock() - since >= self._hold

    def caller(self, authorization: str) -> str | None:
        """The name behind ``Bearer TOKEN``; None where nobody has this token.

        Raises CallersUnknown where it cannot be said who has.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        if self.void:
            raise CallersUnknown("the token file cannot be read, so it cannot be said who may call; try again later")
        digest = _digest(token.strip())
        callers = [token.name for token in self._known.values() if hmac.compare_digest(token.digest, digest)]
        return callers[0] if callers else None


def add_token(file: Path, name: str, *, now: datetime | None = None) -> str:
    """Make a token for a caller; an older one of the same name is void.

    Args:
        file: the token file, which need not be there yet.
        name: the caller.
        now: when it is made, with a zone; None: the file does not say it.

    Returns:
        The token, which nobody can read from the file.

    Raises:
        ConfigError: if the name cannot be one, or the file cannot be read or written.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"a caller's name must be lower-case letters, digits and '-', at most 40; got {name!r}")
    known = _there(file)
    token = secrets.token_urlsafe(32)
    _write(file, {**known, name: KnownToken(name=name, digest=_digest(token), made=now)})
    return token


def revoke_token(file: Path, name: str) -> None:
    """Make a caller's token void.

    Args:
        file: the token file.
        name: the caller.

    Raises:
        ConfigError: if there is no such caller, or the file cannot be read or written.
    """
    known = _there(file)
    if name not in known:
        raise ConfigError(f"{file}: no caller has the name {name!r}")
    _write(file, {other: token for other, token in known.items() if other != name})


def known_tokens(file: Path) -> list[KnownToken]:
    """The callers of a token file, by name; raises ConfigError where it is not there or is none."""
    if not file.exists():
        raise ConfigError(f"{file}: there is no such file; graft-client token add NAME --tokens {file} makes it")
    return sorted(_there(file).values(), key=lambda token: token.name)


def _there(file: Path) -> dict[str, KnownToken]:
    """What a file holds that need not be there yet."""
    with _named(file):
        return _read(file) if file.exists() else {}


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Errors inside name the file; those of a running service, which callers may see, do not."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def _read(file: Path) -> dict[str, KnownToken]:
    with os_error_as(ConfigError, "the token file cannot be read"):
        lines = file.read_bytes().decode("utf-8", "replace").splitlines()
    tokens = [_parsed(line) for line in lines if line.strip()]
    return {token.name: token for token in tokens}


def _parsed(line: str) -> KnownToken:
    """One line: name, digest and, but for files of before, when it was made; raises ConfigError."""
    parts = _LINE.fullmatch(line)
    try:
        if parts is None:
            raise ValueError("neither two words nor three")
        moment = None if parts["made"] is None else datetime.fromisoformat(parts["made"]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError("expected a name and a digest in each line; 'graft-client token add' writes them") from None
    return KnownToken(name=parts["name"], digest=parts["digest"], made=moment)


def _write(file: Path, known: dict[str, KnownToken]) -> None:
    with os_error_as(ConfigError, f"{file}: the token file cannot be written"):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(file, "".join(f"{known[name].line()}\n" for name in sorted(known)).encode())
        file.chmod(0o600)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
