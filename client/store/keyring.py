"""The vault's data keys, each wrapped by the key that a passphrase, a file or a variable gives (AES-256-GCM).

The keyring is the only file that knows them. What is readable in it without a key (format, key numbers, the numbers
of scrypt and its salt) is authenticated as associated data of every wrapped key.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.store.key_source import SCRYPT, KeySource
from client.store.sealed import KEY, NONCE
from shared.errors import VaultError

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
        """The file's content, each data key wrapped."""
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
        """Raises VaultError for what is no keyring."""
        try:
            found = json.loads(content)
            facts = {name: found[name] for name in ("format", "salt", "scrypt", "keys")}
            wrapped = {int(number): bytes.fromhex(text) for number, text in found["wrapped"].items()}
            stretch = {name: found["scrypt"][name] for name in _MOST}
            salt = bytes.fromhex(found["salt"])
            possible = all(type(stretch[name]) is int and 1 <= stretch[name] <= most for name, most in _MOST.items())
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise VaultError("the vault's keyring is damaged: not a whole keyring") from error
        if facts["format"] != FORMAT:
            raise VaultError(f"the vault's keyring has another format than {FORMAT}")
        if not possible or stretch["n"] & (stretch["n"] - 1) or not wrapped or sorted(wrapped) != facts["keys"]:
            raise VaultError("the vault's keyring is damaged: its numbers cannot be")
        return cls(salt=salt, stretch=stretch, facts=facts, wrapped=wrapped)

    def wrapping_key(self, source: KeySource) -> bytes:
        """What the source gives for this keyring; raises ConfigError where it gives none."""
        return source.key(self.salt, self.stretch)

    def unwrap(self, wrapping: bytes) -> Keyring:
        """Raises VaultError for another key, or a keyring in which one bit is another."""
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
