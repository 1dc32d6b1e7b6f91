"""Where a platform keeps its heads between rounds, runs and restarts: in its vault, or in plain files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from client.store.content import Content, parts_of
from client.store.keyring import KeySource
from client.store.records import PlainFolder, Records
from client.store.stored_rows import Bound, StoredRows, array_at
from client.store.vault import Vault, is_vault
from shared.errors import ConfigError, HeadStoreError
from shared.system.array_file import (
    NotAnArrayFile,
    Place,
    Stored,
    array_digest,
    array_parts,
    header_length,
    parse_places,
)

FORMAT, WITH_DIGEST = "graft-head/2", "graft-head/1"
"""now, and of before, when a digest told that a record is whole"""
_FIRST = 64 * 1024
"""bytes that are read to find out where the arrays stand"""


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredRecord:
    """One record: arrays by name, and plain facts (JSON) beside them."""

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenedRecord:
    """One record whose arrays are read when they are asked for; it stays as it was when it was opened."""

    facts: Mapping[str, Any]
    places: Mapping[str, Place]
    """of the arrays by name"""
    content: Content
    bound: Bound = field(default_factory=Bound)
    """of what the rows that are read take in memory"""

    def rows(self, name: str) -> StoredRows:
        """An array of which only what is touched is read; raises KeyError where there is none of that name."""
        return StoredRows(self.content, self.places[name], self.bound)

    def held(self, name: str) -> StoredRows:
        """The same, all of it read at once; raises StorageError where it is damaged."""
        return StoredRows(self.content, self.places[name], held=True)

    def array(self, name: str) -> NDArray[Any]:
        """An array in memory; raises KeyError where there is none of that name, StorageError where it is damaged."""
        return array_at(self.content, self.places[name])

    @property
    def whole(self) -> StoredRecord:
        """All of it in memory; raises StorageError where it is damaged."""
        return StoredRecord(arrays={name: self.array(name) for name in self.places}, facts=self.facts)


class HeadStore:
    """A platform's heads by name, each replaced whole or not at all; raises StorageError.

    A folder in the place of ``records`` stands for plain files in it, readable by their owner alone.
    """

    def __init__(self, records: Records | Path) -> None:
        self._records = PlainFolder(records) if isinstance(records, Path) else records

    def write(self, name: str, head: StoredRecord) -> None:
        """Replace the record.

        Args:
            name: of the record.
            head: its arrays and facts.

        Raises:
            StorageError: if it cannot be written.
        """
        self.write_parts(name, head.arrays, head.facts)

    def write_parts(self, name: str, arrays: Mapping[str, NDArray[Any] | Stored], facts: Mapping[str, Any]) -> None:
        """``write``, of arrays that need not lie in memory.

        Args:
            name: of the record.
            arrays: by name.
            facts: beside them.

        Raises:
            StorageError: if it cannot be written.
        """
        parts = array_parts(arrays, {"format": FORMAT, "facts": json.dumps(dict(facts), sort_keys=True)})
        self._records.write_parts(name, parts, parts.size)

    def read(self, name: str) -> StoredRecord | None:
        """The record with its arrays and facts, in memory.

        Args:
            name: of the record.

        Returns:
            the record, or None where there is none.

        Raises:
            StorageError: if it is damaged.
        """
        opened = self.open(name)
        return None if opened is None else opened.whole

    def open(self, name: str) -> OpenedRecord | None:
        """The record, its arrays to be read when they are wanted.

        Args:
            name: of the record.

        Returns:
            the record, or None where there is none.

        Raises:
            StorageError: if it is damaged, as far as that is known before its arrays are read.
        """
        content = self._records.content(name)
        if content is None:
            return None
        try:
            places, texts = parse_places(_header(content), content.size)
            facts = json.loads(texts["facts"])
        except (NotAnArrayFile, ValueError, KeyError) as error:
            raise HeadStoreError(f"head {name!r} is damaged: not a whole head file") from error
        if texts.get("format") not in (FORMAT, WITH_DIGEST):
            raise HeadStoreError(f"head {name!r} has the format {texts.get('format')!r}; expected {FORMAT}")
        opened = OpenedRecord(facts=facts, places=places, content=content)
        if texts["format"] == WITH_DIGEST and texts.get("digest") != array_digest(opened.whole.arrays, texts["facts"]):
            raise HeadStoreError(f"head {name!r} is damaged: its digest does not match")
        return opened

    def copy(self, name: str, other: str) -> bool:
        """Replace a record by another one's content, byte by byte; that one stays.

        Args:
            name: of the record that is copied.
            other: of the record that is replaced.

        Returns:
            whether there was something to copy.

        Raises:
            StorageError: if one cannot be read or the other cannot be written.
        """
        content = self._records.content(name)
        if content is None:
            return False
        self._records.write_parts(other, parts_of(content), content.size)
        return True

    def stamp(self, name: str) -> tuple[int, int] | None:
        """A mark that is another one after each write of the record.

        Args:
            name: of the record.

        Returns:
            the mark; None where there is no record.
        """
        return self._records.stamp(name)

    def names(self) -> tuple[str, ...]:
        """The records' names, sorted."""
        return self._records.names()

    def delete(self, name: str) -> None:
        """Remove the record if it is there."""
        self._records.delete(name)


def _header(content: Content) -> bytes:
    """The array file up to its first array; raises NotAnArrayFile where it begins otherwise."""
    first = bytearray(min(_FIRST, content.size))
    content.read_into(0, memoryview(first))
    length = header_length(bytes(first))
    if length > content.size:
        raise NotAnArrayFile("not a whole safetensors file")
    if length > len(first):
        first = bytearray(length)
        content.read_into(0, memoryview(first))
    return bytes(first[:length])


def open_heads(folder: Path, key: str) -> HeadStore:
    """The heads of a platform; see ``open_records``.

    Args:
        folder: where they lie.
        key: what opens the vault in the folder, KIND:WHERE; empty for plain files.

    Returns:
        the head store on these records.

    Raises:
        ConfigError: if the key and the folder do not fit each other.
        VaultError: if the key does not open the vault.
    """
    return HeadStore(open_records(folder, key))


def open_records(folder: Path, key: str) -> Records:
    """The records that a platform keeps: in the vault in the folder, or in plain files.

    Nothing is ever written in the clear beside a vault.

    Args:
        folder: where they lie.
        key: what opens the vault, KIND:WHERE; empty for plain files.

    Returns:
        the vault, or the plain folder.

    Raises:
        ConfigError: if a vault lies there and ``key`` is empty, or if a key is named and there is no vault.
        VaultError: if the key does not open the vault.
    """
    if key:
        return Vault.open(folder, KeySource.parse(key))
    if is_vault(folder):
        raise ConfigError(f"{folder}: holds a vault; say where its key is (vault-key)")
    return PlainFolder(folder)
