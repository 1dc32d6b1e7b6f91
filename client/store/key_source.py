"""Where the key comes from that wraps the vault's data keys: a passphrase, a key file or an environment variable.

``passphrase:VARIABLE``  a passphrase in an environment variable, stretched by scrypt
``file:PATH``            a key of 64 hexadecimal digits in a file that only its owner can read
``env:VARIABLE``         such a key in an environment variable
"""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from client.store.sealed import KEY
from shared.errors import ConfigError

PASSPHRASE, FILE, ENVIRONMENT = "passphrase", "file", "env"
LEAST_PASSPHRASE = 12
"""characters"""
SCRYPT = {"n": 2**16, "r": 8, "p": 1}
"""64 MiB and about a quarter of a second for each guess (RFC 7914; OWASP's first choice is 2^17)"""
_DIGITS = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, kw_only=True)
class KeySource:
    """One of the three."""

    kind: str
    where: str
    """the variable's name or the file's path"""

    @classmethod
    def parse(cls, text: str) -> "KeySource":
        """Raises ConfigError for anything else than KIND:WHERE."""
        kind, _, where = text.partition(":")
        if kind not in (PASSPHRASE, FILE, ENVIRONMENT) or not where:
            raise ConfigError("the vault's key must be passphrase:VARIABLE, file:PATH or env:VARIABLE")
        return cls(kind=kind, where=where)

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"

    def within(self, folder: Path) -> "KeySource":
        """The same source, whose file, where its path is relative, lies in this folder."""
        return replace(self, where=str(folder / self.where)) if self.kind == FILE else self

    def key(self, salt: bytes, stretch: Mapping[str, int]) -> bytes:
        """The 32 bytes; raises ConfigError, which never quotes what was found.

        ``salt`` and the numbers of ``stretch`` (scrypt's n, r, p) count for a passphrase alone.
        """
        if self.kind == FILE:
            return self._digits(self._file(), f"the key file {self.where}")
        found = os.environ.get(self.where, "")
        if not found:
            raise ConfigError(f"the vault's key: the environment variable {self.where} is not set")
        if self.kind == ENVIRONMENT:
            return self._digits(found, f"the environment variable {self.where}")
        if len(found) < LEAST_PASSPHRASE:
            raise ConfigError(f"the vault's passphrase must have {LEAST_PASSPHRASE} characters or more")
        return Scrypt(salt=salt, length=KEY, **stretch).derive(found.encode("utf-8"))

    def _file(self) -> str:
        path = Path(self.where)
        try:
            mode = path.stat().st_mode
            content = path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise ConfigError(f"the vault's key file {path} cannot be read: {reason}") from error
        if mode & 0o077:
            raise ConfigError(f"the vault's key file {path} is open to other users of the machine: chmod 600 it")
        return content

    @staticmethod
    def _digits(text: str, where: str) -> bytes:
        if not _DIGITS.fullmatch(text.strip()):
            raise ConfigError(f"expected a key of 64 hexadecimal digits in {where}")
        return bytes.fromhex(text.strip())


def new_key() -> str:
    """A key as a file or a variable holds it."""
    return secrets.token_hex(KEY)
