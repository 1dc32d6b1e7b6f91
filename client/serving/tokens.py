"""Who may call: tokens, of which the file holds names and digests alone."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import CallersUnknown, ConfigError, os_error_as
from shared.system.whole_file import write_whole

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


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
            self._digests = _read(file)

    def reload(self) -> None:
        """Take in what was added and revoked since; raises ConfigError where the file is not one of tokens.

        And where it holds none: that is known from then on, and nobody is let in.
        """
        try:
            self._digests = _read(self._file)
        except Exception:
            if self._unread_since is None:
                self._unread_since = self._clock()
            raise
        self._unread_since = None
        if not self._digests:
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
        names = [name for name, known in self._digests.items() if hmac.compare_digest(known, digest)]
        return names[0] if names else None


def add_token(file: Path, name: str) -> str:
    """A new token, which nobody can read from the file; an older one of the name is void. Raises ConfigError."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"a caller's name must be lower-case letters, digits and '-', at most 40; got {name!r}")
    digests = _there(file)
    token = secrets.token_urlsafe(32)
    _write(file, {**digests, name: _digest(token)})
    return token


def revoke_token(file: Path, name: str) -> None:
    """Make a caller's token void; raises ConfigError where there is no such caller."""
    digests = _there(file)
    if name not in digests:
        raise ConfigError(f"{file}: no caller has the name {name!r}")
    _write(file, {other: digest for other, digest in digests.items() if other != name})


def _there(file: Path) -> dict[str, str]:
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


def _read(file: Path) -> dict[str, str]:
    with os_error_as(ConfigError, "the token file cannot be read"):
        lines = file.read_bytes().decode("utf-8", "replace").splitlines()
    pairs = [line.split() for line in lines if line.strip()]
    if not all(len(pair) == 2 and _DIGEST.fullmatch(pair[1]) for pair in pairs):
        raise ConfigError("expected a name and a digest in each line; 'graft-client token add' writes them")
    return {pair[0]: pair[1] for pair in pairs}


def _write(file: Path, digests: dict[str, str]) -> None:
    with os_error_as(ConfigError, f"{file}: the token file cannot be written"):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(file, "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items())).encode())
        file.chmod(0o600)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
