"""Where a platform keeps its heads between rounds, runs and restarts: in its vault, or in plain files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from client.store.keyring import KeySource
from client.store.records import PlainFolder, Records
from client.store.vault import Vault, is_vault
from shared.errors import ConfigError, HeadStoreError
from shared.system.array_file import NotAnArrayFile, array_digest, array_file, parse_array_file

FORMAT = "graft-head/1"


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredRecord:
    """One record: arrays by name, and plain facts (JSON) beside them."""

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)


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
        facts = json.dumps(dict(head.facts), sort_keys=True)
        texts = {"format": FORMAT, "facts": facts, "digest": array_digest(head.arrays, facts)}
        self._records.write(name, array_file(head.arrays, texts))

    def read(self, name: str) -> StoredRecord | None:
        """The record with its arrays and facts.

        Args:
            name: of the record.

        Returns:
            the record, or None where there is none.

        Raises:
            HeadStoreError: if it is damaged.
        """
        content = self._records.read(name)
        if content is None:
            return None
        try:
            arrays, texts = parse_array_file(content)
            facts = json.loads(texts["facts"])
        except (NotAnArrayFile, ValueError, KeyError) as error:
            raise HeadStoreError(f"head {name!r} is damaged: not a whole head file") from error
        if texts.get("format") != FORMAT:
            raise HeadStoreError(f"head {name!r} has the format {texts.get('format')!r}; expected {FORMAT}")
        if texts.get("digest") != array_digest(arrays, texts["facts"]):
            raise HeadStoreError(f"head {name!r} is damaged: its digest does not match")
        return StoredRecord(arrays=arrays, facts=facts)

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
