"""How an entry of the journal stands in a line of its file: in the clear, or sealed.

Every line begins with a checksum, which tells one that a crash cut off from one that is whole. A sealed line is bound
to its number: in the place of another, or changed in one bit, its seal is broken.
"""

import base64
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.store.sealed import NONCE
from shared.errors import JournalError

FORMAT = b"graft-journal/1"
Facts = Mapping[str, Any]
"""One entry, as JSON."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is in the journal under a number."""

    number: int
    """1, 2, ...; a number is never given twice, whatever is removed"""
    facts: Facts


class Lines(Protocol):
    """A way to write entries as lines."""

    def line(self, entry: Entry) -> bytes:
        """With its line feed."""
        ...

    def entry(self, line: bytes) -> Entry | None:
        """What a line says, or None where it is not whole; raises JournalError where it is whole and not to be read."""
        ...


class PlainLines:
    """In the clear: a checksum, and the facts with the number."""

    def line(self, entry: Entry) -> bytes:
        """See ``Lines``."""
        return _summed(_text({**entry.facts, "n": entry.number}))

    def entry(self, line: bytes) -> Entry | None:
        """See ``Lines``."""
        text = _whole(line)
        if text is None:
            return None
        try:
            facts = json.loads(text)
            return Entry(number=int(facts.pop("n")), facts=facts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise JournalError("the journal is sealed, or no journal; say where the vault's key is") from error


class SealedLines:
    """AES-256-GCM under the journal's key: a checksum, the number, and in base64 a random nonce and the sealed facts.

    Random nonces allow 2^32 entries under one key (NIST SP 800-38D, 8.3).
    """

    def __init__(self, key: bytes) -> None:
        self._box = AESGCM(key)

    def line(self, entry: Entry) -> bytes:
        """See ``Lines``."""
        nonce = os.urandom(NONCE)
        sealed = nonce + self._box.encrypt(nonce, _text(entry.facts), _bound(entry.number))
        return _summed(b"%d %s" % (entry.number, base64.b64encode(sealed)))

    def entry(self, line: bytes) -> Entry | None:
        """See ``Lines``."""
        text = _whole(line)
        if text is None:
            return None
        number, _, body = text.partition(b" ")
        try:
            sealed = base64.b64decode(body, validate=True)
            facts = json.loads(self._box.decrypt(sealed[:NONCE], sealed[NONCE:], _bound(int(number))))
        except InvalidTag as error:
            raise JournalError(f"the journal is damaged: the seal of entry {int(number)} is broken") from error
        except ValueError as error:
            raise JournalError("the journal holds a line that was written without the vault's key") from error
        return Entry(number=int(number), facts=facts)


def _text(facts: Facts) -> bytes:
    return json.dumps(dict(facts), separators=(",", ":")).encode()


def _bound(number: int) -> bytes:
    return b"%s %d" % (FORMAT, number)


def _summed(text: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _whole(line: bytes) -> bytes | None:
    """What stands behind the checksum, where it is right."""
    checksum, _, text = line.rstrip(b"\n").partition(b" ")
    return text if checksum == b"%08x" % zlib.crc32(text) else None
