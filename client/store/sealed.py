"""The content of a record in blocks of 16 KiB, each sealed or checked by itself, so that a part of it can be read.

A file is a line of JSON (the header) and the blocks, each with a tag of 16 bytes behind it; a content without a byte is
one empty block. A sealed block is under AES-256-GCM (NIST SP 800-38D): its nonce is its number, its associated data the
header, its key the file's own, by HKDF-SHA256 (RFC 5869) from the data key and 32 random bytes of the header. So no
nonce comes twice under one key, and a block that was changed, moved or taken from another file is noticed. A block of a
plain file has a CRC-32 of header, number and content in its tag, which tells damage and nothing else.

Records of before are one block whose key is the data key and whose nonce, 12 random bytes, stands before it.
"""

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.errors import HeadStoreError, VaultError

FORMAT, WHOLE, PLAIN = "graft-vault/2", "graft-vault/1", "graft-plain/2"
"""sealed in blocks, sealed as a whole (of before), and plain in blocks"""
NONCE, TAG, KEY, SALT = 12, 16, 32, 32
"""lengths in bytes"""
BLOCK = 16 * 1024
"""bytes of content in each block but the last"""
LONGEST_HEADER = 512
Bytes = bytes | memoryview


@dataclass(frozen=True, kw_only=True)
class Header:
    """What is authenticated, and readable without a key."""

    name: str
    version: int
    """1 for a record's first content; each replacement adds 1"""
    key: int
    """number of the data key; 0 in a plain file"""
    size: int
    """of the content, in bytes"""
    salt: str = ""
    """64 hexadecimal digits, from which the file's own key comes; empty in a plain file and in a record of before"""

    @property
    def form(self) -> str:
        """Which of the three formats the file is in."""
        return FORMAT if self.salt else WHOLE if self.key else PLAIN

    def to_line(self) -> bytes:
        """As the first line of the file."""
        facts = {name: value for name, value in asdict(self).items() if name != "salt" or value}
        return json.dumps({"format": self.form, **facts}, sort_keys=True).encode("utf-8") + b"\n"

    @classmethod
    def from_line(cls, content: bytes, name: str) -> "Header | None":
        """The header that a file begins with.

        Args:
            content: its first bytes, ``LONGEST_HEADER`` of them or all.
            name: the record that it must be of.

        Returns:
            The header; None where the bytes begin otherwise.

        Raises:
            VaultError: if it is of another format, or was written as another record than ``name``.
        """
        line, end, _ = content[:LONGEST_HEADER].partition(b"\n")
        try:
            facts: dict[str, Any] = json.loads(line) if end else {}
            stated = facts.pop("format")
            header = cls(**facts)
            numbers = all(type(value) is int and value >= 0 for value in (header.version, header.key, header.size))
            texts = type(header.name) is str and len(bytes.fromhex(header.salt)) in (0, SALT)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        if stated not in (FORMAT, WHOLE, PLAIN):
            raise VaultError(f"record {name!r} has another format than {FORMAT}")
        if not (numbers and texts):
            return None
        if header.to_line() != line + end:
            raise VaultError(f"record {name!r} is damaged: its first line was rewritten")
        if header.name != name:
            raise VaultError(f"record {name!r} was swapped: what lies in its place was sealed as {header.name!r}")
        return header

    @property
    def blocks(self) -> int:
        """How many blocks hold the content."""
        return 1 if self.form == WHOLE else max(1, -(-self.size // BLOCK))


class Seal(Protocol):
    """Seals and opens the blocks of one file."""

    def close(self, number: int, block: Bytes) -> bytes:
        """Seal a block.

        Args:
            number: of the block, from 0; each once.
            block: its content.

        Returns:
            What is written, ``TAG`` bytes longer.
        """
        ...

    def open(self, number: int, stored: Bytes) -> Bytes:
        """The content of a block.

        Args:
            number: of the block, from 0.
            stored: as it was written.

        Returns:
            The content.

        Raises:
            StorageError: if a bit of it or of the header is another one.
        """
        ...


class BlockSeal:
    """See ``Seal``; with a key."""

    def __init__(self, data_key: bytes, header: Header) -> None:
        self._name, self._line = header.name, header.to_line()
        own = HKDF(algorithm=SHA256(), length=KEY, salt=bytes.fromhex(header.salt), info=FORMAT.encode("ascii"))
        self._cipher = AESGCM(own.derive(data_key))

    def close(self, number: int, block: Bytes) -> bytes:
        """See ``Seal``.

        Args:
            number: of the block.
            block: its content.

        Returns:
            Ciphertext and tag.
        """
        return self._cipher.encrypt(_nonce(number), block, self._line)

    def open(self, number: int, stored: Bytes) -> bytes:
        """See ``Seal``.

        Args:
            number: of the block.
            stored: ciphertext and tag.

        Returns:
            The content.

        Raises:
            VaultError: if the seal is broken.
        """
        try:
            return self._cipher.decrypt(_nonce(number), stored, self._line)
        except InvalidTag as error:
            raise VaultError(f"record {self._name!r} is damaged: its seal is broken") from error


class BlockCheck:
    """See ``Seal``; without a key, which tells damage and hides nothing."""

    def __init__(self, header: Header) -> None:
        self._name, self._begun = header.name, zlib.crc32(header.to_line())

    def close(self, number: int, block: Bytes) -> bytes:
        """See ``Seal``.

        Args:
            number: of the block.
            block: its content.

        Returns:
            Content and checksum.
        """
        return bytes(block) + self._checksum(number, block)

    def open(self, number: int, stored: Bytes) -> Bytes:
        """See ``Seal``.

        Args:
            number: of the block.
            stored: content and checksum.

        Returns:
            The content.

        Raises:
            HeadStoreError: if the checksum is another one.
        """
        block = stored[:-TAG]
        if stored[-TAG:] != self._checksum(number, block):
            raise HeadStoreError(f"head {self._name!r} is damaged: a checksum does not match")
        return block

    def _checksum(self, number: int, block: Bytes) -> bytes:
        return zlib.crc32(block, zlib.crc32(_nonce(number), self._begun)).to_bytes(TAG, "big")


def sealed_parts(header: Header, seal: Seal, content: Iterable[Bytes]) -> Iterator[bytes]:
    """A file, part by part.

    Args:
        header: its first line; it tells the size of the content.
        seal: of its blocks.
        content: in parts of any length.

    Yields:
        The parts of the file, in order.
    """
    yield header.to_line()
    number, waiting = 0, bytearray()
    for part in content:
        view = memoryview(part).cast("B")
        begin = 0
        if waiting:
            begin = min(len(view), BLOCK - len(waiting))
            waiting += view[:begin]
            if len(waiting) == BLOCK:
                yield seal.close(number, bytes(waiting))
                number, waiting = number + 1, bytearray()
        whole = begin + (len(view) - begin) // BLOCK * BLOCK
        for start in range(begin, whole, BLOCK):
            yield seal.close(number, view[start : start + BLOCK])
            number += 1
        waiting += view[whole:]
    if waiting or not number:
        yield seal.close(number, bytes(waiting))


def new_salt() -> str:
    """Of a new file, in hexadecimal digits."""
    return os.urandom(SALT).hex()


def unsealed_whole(key: bytes, header: Header, body: bytes) -> bytes:
    """The content of a record of before.

    Args:
        key: data key of 32 bytes under which it was sealed.
        header: its header.
        body: nonce, ciphertext and tag.

    Returns:
        The content.

    Raises:
        VaultError: if one bit of header or body is another.
    """
    try:
        return AESGCM(key).decrypt(body[:NONCE], body[NONCE:], header.to_line())
    except InvalidTag as error:
        raise VaultError(f"record {header.name!r} is damaged: its seal is broken") from error


def _nonce(number: int) -> bytes:
    return number.to_bytes(NONCE, "big")
