"""The vault's data keys, each wrapped by the key that a passphrase, a file or a variable gives (AES-256-GCM).

The keyring is the only file that knows them. What is readable in it without a key (format, key numbers, the numbers
of scrypt and its salt) is authenticated as associated data of every wrapped key.
"""

import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from client.store.sealed import KEY, NONCE
from shared.errors import ConfigError, VaultError

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
        """Read where the vault's key comes from.

        Args:
            text: KIND:WHERE, that is passphrase:VARIABLE, file:PATH or env:VARIABLE.

        Returns:
            the source; nothing is read from it yet.

        Raises:
            ConfigError: if the text is anything else.
        """
        kind, _, where = text.partition(":")
        if kind not in (PASSPHRASE, FILE, ENVIRONMENT) or not where:
            raise ConfigError("the vault's key must be passphrase:VARIABLE, file:PATH or env:VARIABLE")
        return cls(kind=kind, where=where)

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"

    def within(self, folder: Path) -> "KeySource":
        """The same source, seen from a folder.

        Args:
            folder: in which the key's file lies, where its path is relative.

        Returns:
            the source; unchanged where it is no file.
        """
        return replace(self, where=str(folder / self.where)) if self.kind == FILE else self

    def key(self, salt: bytes, stretch: Mapping[str, int]) -> bytes:
        """The 32 bytes of the key that wraps the data keys.

        No error quotes what was found.

        Args:
            salt: of scrypt; counts for a passphrase alone.
            stretch: scrypt's n, r and p; count for a passphrase alone.

        Returns:
            32 bytes.

        Raises:
            ConfigError: if the file or the variable gives no such key, or the passphrase is too short.
        """
        if self.kind == FILE:
            return self._digits(self._file(), f"the key file {self.where}")
        secret = os.environ.get(self.where, "")
        if not secret:
            raise ConfigError(f"the vault's key: the environment variable {self.where} is not set")
        if self.kind == ENVIRONMENT:
            return self._digits(secret, f"the environment variable {self.where}")
        if len(secret) < LEAST_PASSPHRASE:
            raise ConfigError(f"the vault's passphrase must have {LEAST_PASSPHRASE} characters or more")
        return Scrypt(salt=salt, length=KEY, **stretch).derive(secret.encode("utf-8"))

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


FORMAT = "graft-keyring/1"
SALT = 16
_MOST = {"n": 2**20, "r": 32, "p": 16}
"""beyond which a changed keyring could take all memory before its seal is looked at"""


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """Data keys by number; the highest number seals, the others only open."""

    salt: bytes
    stretch: Mapping[str, int]
    """scrypt's n, r and p"""
    keys: Mapping[int, bytes]

    @classmethod
    def new(cls) -> "Keyring":
        """With one data key."""
        return cls(salt=os.urandom(SALT), stretch=SCRYPT, keys={1: os.urandom(KEY)})

    @property
    def current(self) -> int:
        """Number of the key that seals."""
        return max(self.keys)

    def with_new_key(self) -> "Keyring":
        """A further data key, which seals from now on."""
        return Keyring(salt=self.salt, stretch=self.stretch, keys={**self.keys, self.current + 1: os.urandom(KEY)})

    def with_current_alone(self) -> "Keyring":
        """Without the keys under which nothing is sealed any more."""
        return Keyring(salt=self.salt, stretch=self.stretch, keys={self.current: self.keys[self.current]})

    def for_another_source(self) -> "Keyring":
        """The same data keys, with a salt of its own for the new wrapping key."""
        return Keyring(salt=os.urandom(SALT), stretch=SCRYPT, keys=self.keys)

    def to_bytes(self, wrapping: bytes) -> bytes:
        """The file's content, each data key wrapped.

        Args:
            wrapping: key of 32 bytes that wraps them.

        Returns:
            JSON.
        """
        facts = self._facts()
        wrapped = {}
        for number, key in self.keys.items():
            nonce = os.urandom(NONCE)
            wrapped[str(number)] = (nonce + AESGCM(wrapping).encrypt(nonce, key, _bound(facts, number))).hex()
        return json.dumps({**facts, "wrapped": wrapped}, sort_keys=True, indent=1).encode("utf-8")

    def _facts(self) -> dict[str, Any]:
        numbers = sorted(self.keys)
        return {"format": FORMAT, "salt": self.salt.hex(), "scrypt": dict(self.stretch), "keys": numbers}


@dataclass(frozen=True, kw_only=True)
class WrappedKeyring:
    """A keyring as it lies on the disk."""

    salt: bytes
    stretch: Mapping[str, int]
    facts: Mapping[str, Any]
    wrapped: Mapping[int, bytes]

    @classmethod
    def from_bytes(cls, content: bytes) -> "WrappedKeyring":
        """Read a keyring's file; its data keys stay wrapped.

        Args:
            content: of the file.

        Returns:
            the keyring.

        Raises:
            VaultError: if it is no keyring.
        """
        try:
            record = json.loads(content)
            facts = {name: record[name] for name in ("format", "salt", "scrypt", "keys")}
            wrapped = {int(number): bytes.fromhex(text) for number, text in record["wrapped"].items()}
            stretch = {name: record["scrypt"][name] for name in _MOST}
            salt = bytes.fromhex(record["salt"])
            possible = all(type(stretch[name]) is int and 1 <= stretch[name] <= most for name, most in _MOST.items())
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise VaultError("the vault's keyring is damaged: not a whole keyring") from error
        if facts["format"] != FORMAT:
            raise VaultError(f"the vault's keyring has another format than {FORMAT}")
        if not possible or stretch["n"] & (stretch["n"] - 1) or not wrapped or sorted(wrapped) != facts["keys"]:
            raise VaultError("the vault's keyring is damaged: its numbers cannot be")
        return cls(salt=salt, stretch=stretch, facts=facts, wrapped=wrapped)

    def unwrap(self, wrapping: bytes) -> Keyring:
        """Open the keyring.

        Args:
            wrapping: key of 32 bytes that wraps the data keys.

        Returns:
            the keyring with its data keys.

        Raises:
            VaultError: if it is another key, or one bit of the keyring is another.
        """
        keys = {}
        for number, box in self.wrapped.items():
            try:
                keys[number] = AESGCM(wrapping).decrypt(box[:NONCE], box[NONCE:], _bound(self.facts, number))
            except (InvalidTag, ValueError) as error:
                raise VaultError(
                    "the key does not open this vault: it is another passphrase or key, or the keyring was changed"
                ) from error
        return Keyring(salt=self.salt, stretch=self.stretch, keys=keys)


def _bound(facts: Mapping[str, Any], number: int) -> bytes:
    return json.dumps([facts, number], sort_keys=True).encode("utf-8")
