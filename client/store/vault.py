"""The vault: a folder of sealed records under one keyring; docs/decisions/0012-vault.md says what it protects from.

Any number of processes may have it open. Who writes holds its lock and reads the keyring anew, so that no record is
ever sealed under a data key that a rotation has just given up.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from client.store.content import Content, InBlocks, InMemory, RecordFile, parts_of, whole_of
from client.store.keyring import Keyring, KeySource, WrappedKeyring
from client.store.records import NAME, names_in, stamp_of
from client.store.sealed import FORMAT, PLAIN, WHOLE, BlockSeal, Bytes, Header, new_salt, sealed_parts, unsealed_whole
from shared.errors import ConfigError, VaultError, os_error_as
from shared.system.file_lock import file_lock
from shared.system.whole_file import sync_folder, write_whole

KEYRING, SECOND_RING, LOCK, SUFFIX = "keyring.json", "keyring-copy.json", ".lock", ".sealed"
"""the keyring lies there twice: all else can be made again from the platform's data, a lost data key cannot"""
OWNER_ONLY = 0o600


class Vault:
    """See ``Records``; raises VaultError. Made by ``make`` or ``open``."""

    def __init__(self, folder: Path, source: KeySource) -> None:
        self._folder, self._source = folder, source
        self._salt, self._wrapping = b"", b""
        self._ring = self._read_ring()

    @classmethod
    def make(cls, folder: Path, source: KeySource) -> "Vault":
        """Make a new vault.

        Args:
            folder: where it is made; the folder may be there, but no vault in it.
            source: gives the key that wraps the data keys.

        Returns:
            the vault.

        Raises:
            ConfigError: if there is a vault already or the source gives no key.
            VaultError: if the disk is full or refuses.
        """
        if is_vault(folder):
            raise ConfigError(f"{folder}: holds a vault already")
        ring = Keyring.new()
        content = ring.to_bytes(source.key(ring.salt, ring.stretch))
        with _on_disk("the vault cannot be made"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(folder / LOCK, os.O_CREAT | os.O_WRONLY, OWNER_ONLY))
            _write_rings(folder, content)
        return cls(folder, source)

    @classmethod
    def open(cls, folder: Path, source: KeySource) -> "Vault":
        """Open the vault in a folder.

        Args:
            folder: where it lies.
            source: gives the key that wraps the data keys.

        Returns:
            the vault.

        Raises:
            ConfigError: if there is no vault or the source gives no key.
            VaultError: if the key does not open it.
        """
        if not is_vault(folder):
            raise ConfigError(f"{folder}: holds no vault")
        return cls(folder, source)

    def read(self, name: str) -> bytes | None:
        """See ``Records``."""
        content = self.content(name)
        return None if content is None else whole_of(content)

    def content(self, name: str) -> Content | None:
        """See ``Records``."""
        try:
            file = RecordFile(self._path(name))
            header = _header(file, name)
            if header.form == WHOLE:
                body = file.all_after(len(header.to_line()))
                return InMemory(unsealed_whole(self._data_key(header), header, body))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise VaultError(f"record {name!r} cannot be read: {error.strerror}") from error
        return InBlocks(file, header, BlockSeal(self._data_key(header), header), VaultError).check()

    def write(self, name: str, content: bytes) -> None:
        """Replace the record; see ``Records``.

        Args:
            name: of the record.
            content: all bytes of the new one; they are sealed.

        Raises:
            VaultError: if it cannot be written.
        """
        self.write_parts(name, (content,), len(content))

    def write_parts(self, name: str, parts: Iterable[Bytes], size: int) -> None:
        """See ``Records``.

        Args:
            name: of the record.
            parts: of the new content, in order; they are sealed.
            size: of all parts, in bytes.

        Raises:
            VaultError: if it cannot be written.
        """
        with self._changed(f"record {name!r} cannot be written"):
            self._seal(name, parts, size)

    def stamp(self, name: str) -> tuple[int, int] | None:
        """See ``Records``."""
        return stamp_of(self._path(name))

    def names(self) -> tuple[str, ...]:
        """See ``Records``."""
        return names_in(self._folder, SUFFIX)

    def delete(self, name: str) -> None:
        """See ``Records``."""
        path = self._path(name)
        with self._changed(f"record {name!r} cannot be deleted"):
            path.unlink(missing_ok=True)
            sync_folder(path.parent)

    def rotate(self) -> int:
        """Seal every record anew under a new data key, then forget the old ones; how many records there were.

        Stopped at any point, everything opens as before, and the next rotation finishes. A damaged record stops it,
        for its key must be kept: mend or delete the record first.
        """
        with self._changed("the vault's keys cannot be rotated"):
            self._write_ring(self._ring.with_new_key())
            names = self.names()
            for name in names:
                content = self.content(name)
                if content is not None:
                    self._seal(name, parts_of(content), content.size)
            self._write_ring(self._ring.with_current_alone())
            return len(names)

    def use_key_of(self, source: KeySource) -> None:
        """Wrap the data keys by another key from now on; records stay as they are.

        Args:
            source: gives the new key.

        Raises:
            ConfigError: if the source gives no key.
            VaultError: if the keyring cannot be written.
        """
        with self._changed("the vault's keyring cannot be written"):
            ring = self._ring.for_another_source()
            wrapping = source.key(ring.salt, ring.stretch)
            _write_rings(self._folder, ring.to_bytes(wrapping))
            self._source, self._salt, self._wrapping, self._ring = source, ring.salt, wrapping, ring

    def _seal(self, name: str, parts: Iterable[Bytes], size: int) -> None:
        path = self._path(name)
        header = Header(name=name, version=_version(path, name) + 1, key=self._ring.current, size=size, salt=new_salt())
        seal = BlockSeal(self._ring.keys[header.key], header)
        write_whole(path, sealed_parts(header, seal, parts), mode=OWNER_ONLY)

    def _write_ring(self, ring: Keyring) -> None:
        _write_rings(self._folder, ring.to_bytes(self._wrapping))
        self._ring = ring

    def _read_ring(self) -> Keyring:
        """The keyring as it lies there now, or its copy where it was damaged; raises the first one's error."""
        try:
            return self._unwrapped(KEYRING)
        except VaultError:
            with suppress(VaultError):
                return self._unwrapped(SECOND_RING)
            raise

    def _unwrapped(self, file: str) -> Keyring:
        with os_error_as(VaultError, "the vault's keyring cannot be read"):
            wrapped = WrappedKeyring.from_bytes((self._folder / file).read_bytes())
        if self._salt != wrapped.salt:  # a passphrase is stretched once, not for every record
            self._salt, self._wrapping = wrapped.salt, self._source.key(wrapped.salt, wrapped.stretch)
        return wrapped.unwrap(self._wrapping)

    def _data_key(self, header: Header) -> bytes:
        if header.key not in self._ring.keys:
            self._ring = self._read_ring()
        if header.key not in self._ring.keys:
            raise VaultError(f"record {header.name!r} is damaged: this vault has no data key {header.key}")
        return self._ring.keys[header.key]

    @contextmanager
    def _changed(self, failure: str) -> Iterator[None]:
        """The vault's lock, held, with its keyring read anew."""
        with _on_disk(failure), file_lock(self._folder / LOCK):
            self._ring = self._read_ring()
            yield

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise VaultError(f"a record's name must be lower-case letters, digits and '-'; got {name!r}")
        return self._folder / f"{name}{SUFFIX}"


def is_vault(folder: Path) -> bool:
    """Whether a folder holds a vault."""
    return any((folder / file).is_file() for file in (KEYRING, SECOND_RING))


def _header(file: RecordFile, name: str) -> Header:
    """Of a sealed record; raises VaultError where the file is none, is not as long as it says, or of another name."""
    header = file.header(name)
    if header is None:
        raise VaultError(f"record {name!r} is damaged: it does not begin as a sealed record does")
    if header.form == PLAIN:
        raise VaultError(f"record {name!r} has another format than {FORMAT}")
    if excess := file.excess(header):
        length = max(0, header.size + excess)
        raise VaultError(f"record {name!r} is damaged: expected {header.size} bytes of content, found {length}")
    return header


def _version(path: Path, name: str) -> int:
    """Of the record that lies there; 0 where none does, or none that can be told."""
    with suppress(FileNotFoundError, VaultError):
        return _header(RecordFile(path), name).version
    return 0


def _write_rings(folder: Path, content: bytes) -> None:
    for file in (KEYRING, SECOND_RING):
        write_whole(folder / file, content, mode=OWNER_ONLY)


@contextmanager
def _on_disk(failure: str) -> Iterator[None]:
    """Raises VaultError where the disk is full or will not."""
    try:
        yield
    except OSError as error:
        raise VaultError(f"{failure}: {error.strerror}; what was sealed before is as it was") from error
