"""Who may call: tokens, of which the file holds names and digests alone."""

import hashlib
import hmac
import re
import secrets
from pathlib import Path

from shared.errors import ConfigError, os_error_as
from shared.system.whole_file import write_whole

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Tokens:
    """The callers of a token file; read again where the file has changed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._changed = -1
        self._digests: dict[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Take in what was added and revoked since; raises ConfigError where the file is not one of tokens."""
        with os_error_as(ConfigError, f"{self._file}: the token file cannot be read"):
            changed = self._file.stat().st_mtime_ns
            if changed != self._changed:
                self._digests = _read(self._file)
                self._changed = changed

    def caller(self, authorization: str) -> str | None:
        """The name behind ``Bearer TOKEN``; None where nobody has this token."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        found = [name for name, digest in self._digests.items() if hmac.compare_digest(digest, _digest(token.strip()))]
        return found[0] if found else None


def add_token(file: Path, name: str) -> str:
    """A new token, which nobody can read from the file; an older one of the name is void. Raises ConfigError."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"a caller's name must be lower-case letters, digits and '-', at most 40; got {name!r}")
    digests = _read(file) if file.exists() else {}
    token = secrets.token_urlsafe(32)
    _write(file, {**digests, name: _digest(token)})
    return token


def revoke_token(file: Path, name: str) -> None:
    """Make a caller's token void; raises ConfigError where there is no such caller."""
    digests = _read(file) if file.exists() else {}
    if name not in digests:
        raise ConfigError(f"{file}: no caller has the name {name!r}")
    _write(file, {other: digest for other, digest in digests.items() if other != name})


def _read(file: Path) -> dict[str, str]:
    pairs = [line.split() for line in file.read_text("utf-8").splitlines() if line.strip()]
    if not all(len(pair) == 2 and len(pair[1]) == 64 for pair in pairs):
        raise ConfigError(f"{file}: expected a name and a digest in each line; 'graft-client token add' writes them")
    return {pair[0]: pair[1] for pair in pairs}


def _write(file: Path, digests: dict[str, str]) -> None:
    with os_error_as(ConfigError, f"{file}: the token file cannot be written"):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(file, "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items())).encode())
        file.chmod(0o600)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
