"""The files of a data set as it is distributed: a folder, a zip, a tar, a gzipped or a plain file.

A folder is searched first for unpacked files, and only where none fits inside the archives that lie in it. Gzip and
bzip2 are undone on the way, in a folder and in an archive alike: ``reviews.json`` also finds ``reviews.json.gz``.
"""

import bz2
import codecs
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import IO

from client.data.folder_options import Said
from client.data.importers.logged_tables import refuse_logged_tables
from client.data.importers.refused_rows import RefusedRows
from client.data.tables import first_line
from shared.errors import DataError
from shared.system.progress import track

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""With which spreadsheets begin "Unicode text"; no UTF-8 begins so."""
_CHUNK = 1 << 24
"""Bytes that are read at once."""
_UNREADABLE = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, tarfile.TarError),
)
"""What Python's readers of archives raise on damaged, truncated, encrypted or unknown content."""
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_FOREIGN = (".7z", ".rar", ".zst", ".lz4")
"""Archives that Python's standard library does not open."""


class NotInEncoding(DataError):
    """A file holds bytes that are no text in the encoding."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file of a source, wherever it lies."""

    path: Path
    """The file itself, or the archive that holds it."""
    member: str | None
    """Its name inside the archive."""
    root: Path | None = field(default=None, compare=False)
    """The folder or file at which the user pointed."""
    encoding: str | None = None
    """What the user says it is written in; None: what its format says."""
    refused: RefusedRows | None = field(default=None, compare=False)
    """Where rows are listed that are left out; None: a wrong row is an error."""

    @property
    def label(self) -> str:
        """How errors name it."""
        return str(self.path) if self.member is None else f"{self.path}:{self.member}"

    @property
    def name(self) -> str:
        """Its own name without folders and without ``.gz`` or ``.bz2``."""
        return PurePosixPath(self.member or self.path.name).name.removesuffix(".gz").removesuffix(".bz2")

    @property
    def folders(self) -> tuple[str, ...]:
        """The names of the folders in which it lies below that, or in its archive."""
        if self.member is not None:
            return PurePosixPath(self.member).parts[:-1]
        return () if self.root is None or self.root == self.path else self.path.relative_to(self.root).parts[:-1]

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Its bytes, unpacked; raises DataError where they cannot be read to the end."""
        try:
            with self._raw() as raw, _unpacked(raw, self.member or self.path.name) as stream:
                yield stream
        except _UNREADABLE as error:
            raise DataError(f"{self.label}: cannot be read to its end ({first_line(error)})") from error

    @contextmanager
    def _raw(self) -> Iterator[IO[bytes]]:
        """Its bytes as they lie on the disk or in the archive."""
        if self.member is None:
            with self.path.open("rb") as stream:
                yield stream
        elif _is_tar(self.path):
            with tarfile.open(self.path) as tar:
                content = tar.extractfile(self.member)
                if content is None:
                    raise DataError(f"{self.label}: expected a file, found a link")
                yield content
        else:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as member:
                yield member

    def unpack(self, scratch: Path) -> Path:
        """Itself where it lies unpacked on the disk, else a copy in ``scratch``."""
        if self.member is None and self.path.name == self.name:
            return self.path
        target = scratch / f"{len(list(scratch.iterdir()))}-{self.name}"
        with self.open() as stream, target.open("wb") as copy:
            copy.writelines(_chunks(stream))
        return target

    def blocks(self, encoding: str = "utf-8") -> Iterator[bytes]:
        """Its lines as UTF-8 with line feeds, many at a time; what the user says of the encoding counts first.

        Raises NotInEncoding with the line of the first wrong byte.
        """
        with self.open() as stream:
            rest = b""
            for block in track(self._as_utf8(stream, self.encoding or encoding), f"reading {self.name}"):
                cut = block.rfind(b"\n") + 1
                if cut:
                    yield rest + block[:cut]
                    rest = block[cut:]
                else:
                    rest += block
            if rest:
                yield rest

    def head(self, encoding: str = "utf-8", lines: int = 1) -> list[str]:
        """Its first lines without their ends, as far as the first block holds them.

        Args:
            encoding: of the file, unless the user says another one.
            lines: how many are wanted.

        Returns:
            the lines, at most so many.
        """
        first = next(self.blocks(encoding), b"").decode("utf-8").removeprefix("\ufeff")
        return [line.rstrip("\r") for line in first.split("\n", lines)[:lines]]

    def _as_utf8(self, stream: IO[bytes], encoding: str) -> Iterator[bytes]:
        chunks = _chunks(stream)
        first = next(chunks, b"")
        encoding = "utf-16" if first.startswith(_UTF_16) else encoding
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        line = 1
        bare: bool | None = None  # whether lines end in a carriage return alone; the first chunk tells
        for chunk in chain([first], chunks, [b""]):
            try:
                text = decoder.decode(chunk, final=not chunk)
                bare = "\r" in text and "\n" not in text if bare is None else bare
                text = text.replace("\r", "\n") if bare else text
                utf8 = text.encode("utf-8")
            except UnicodeError as error:
                if isinstance(error, UnicodeDecodeError):
                    line += error.object[: error.start].count(b"\n")
                other = " (--encoding latin-1 reads what older spreadsheets write)" if encoding == "utf-8" else ""
                raise NotInEncoding(f"{self.label}, line {line}: expected {encoding.upper()} text{other}") from error
            line += utf8.count(b"\n")
            if utf8:
                yield utf8


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


@dataclass(frozen=True, kw_only=True)
class Source:
    """What the user pointed at, and a scratch folder for what has to be unpacked."""

    paths: tuple[Path, ...]
    """A file or folder, and further ones of the same data set."""
    scratch: Path
    said: Said | None = None
    """What the user says of timestamps that are numbers."""
    encoding: str | None = None
    """What the user says of how text files are written."""
    refused: RefusedRows | None = field(default=None, compare=False)
    """Where rows are listed that are left out; None: a wrong row is an error."""

    @property
    def label(self) -> str:
        """How errors name it."""
        return ", ".join(str(path) for path in self.paths)

    def one(self, *patterns: str, but: str | None = None) -> SourceFile:
        """The only file whose name fits a pattern.

        Args:
            *patterns: of names; one that fits is enough.
            but: a pattern of names that do not count; None for none.

        Returns:
            the file.

        Raises:
            DataError: if there is none or several.
        """
        files = self.some(*patterns, but=but)
        if len(files) > 1:
            several = " and ".join(file.label for file in files[:3])
            raise DataError(f"{self.label}: expected one file {patterns[0]}, found {several}")
        return files[0]

    def some(self, *patterns: str, but: str | None = None) -> list[SourceFile]:
        """Every file whose name fits a pattern, one or more.

        Args:
            *patterns: of names; one that fits is enough.
            but: a pattern of names that do not count; None for none.

        Returns:
            the files, by place and name; each once.

        Raises:
            DataError: if there is none.
        """
        files = self.all(*patterns, but=but)
        if not files:
            expected = " or ".join(patterns)
            packed = [file.name for path in self.paths for file in _plain_files(path) if file.name.endswith(_FOREIGN)]
            hint = f" (unpack {packed[0]} first)" if packed else ""
            raise DataError(f"{self.label}: expected a file {expected}, found {self._contents()}{hint}")
        return files

    def each(self, *patterns: str) -> list[SourceFile]:
        """The only such file of every path that holds any; raises DataError where none does, or one holds several."""
        self.some(*patterns)
        return _each_once(part.one(*patterns) for part in self.apart() if part.all(*patterns))

    def apart(self) -> list["Source"]:
        """Each path as a source of its own."""
        return [replace(self, paths=(path,)) for path in self.paths]

    def optional(self, *patterns: str) -> SourceFile | None:
        """As ``one``, but None where there is no such file."""
        return self.one(*patterns) if self.all(*patterns) else None

    def all(self, *patterns: str, but: str | None = None) -> list[SourceFile]:
        """Every file whose name fits a pattern.

        Args:
            *patterns: of names; one that fits is enough.
            but: a pattern of names that do not count; None for none.

        Returns:
            the files, by place and name; each once; an empty list where nothing fits.
        """
        files = _each_once(
            file
            for path in self.paths
            for file in _fitting(_plain_files(path), patterns, but) or _fitting(_archived_files(path), patterns, but)
        )
        return [replace(file, encoding=self.encoding, refused=self.refused) for file in files]

    def _contents(self) -> str:
        names = [file.name for path in self.paths for file in _plain_files(path) + _archived_files(path)]
        return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "no file"


def fitting_encoding(file: SourceFile, encodings: tuple[str, ...]) -> str:
    """The first of several encodings of which the whole file is text, or the last.

    Args:
        file: is read for it, unless the user says an encoding.
        encodings: one or more, the likeliest first.

    Returns:
        one of them; the last one where the user says an encoding.
    """
    if file.encoding is None:
        for encoding in encodings[:-1]:
            try:
                for _ in file.blocks(encoding):
                    pass
            except NotInEncoding:
                continue
            return encoding
    return encodings[-1]


def _each_once(files: Iterable[SourceFile]) -> list[SourceFile]:
    return list({(file.path.resolve(), file.member): file for file in files}.values())


def _fitting(files: list[SourceFile], patterns: tuple[str, ...], but: str | None) -> list[SourceFile]:
    fitting = [file for file in files if any(fnmatchcase(file.name, pattern) for pattern in patterns)]
    return [file for file in fitting if but is None or not fnmatchcase(file.name, but)]


def _plain_files(path: Path) -> list[SourceFile]:
    return [SourceFile(path=file, member=None, root=path) for file in _paths(path) if not _is_archive(file)]


def _archived_files(path: Path) -> list[SourceFile]:
    archives = [file for file in _paths(path) if _is_archive(file)]
    return [SourceFile(path=file, member=member, root=path) for file in archives for member in _members(file)]


def _paths(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"{path}: expected a file or folder, found nothing")
    below = sorted(path.rglob("*"))
    refuse_logged_tables(below)
    return [file for file in below if file.is_file() and not _is_hidden(file.relative_to(path).parts)]


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith((".zip", *_TARS))


def _is_tar(path: Path) -> bool:
    return path.name.lower().endswith(_TARS)


def _members(path: Path) -> list[str]:
    kind = "tar" if _is_tar(path) else "zip"
    try:
        names = _tar_members(path) if kind == "tar" else _zip_members(path)
    except _UNREADABLE as error:
        raise DataError(f"{path}: expected a {kind} file ({first_line(error)})") from error
    return sorted(name for name in names if not _is_hidden(tuple(name.split("/"))))


def _zip_members(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [info.filename for info in archive.infolist() if not info.is_dir()]


def _tar_members(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        return [info.name for info in archive if info.isfile()]


def _is_hidden(parts: tuple[str, ...]) -> bool:
    """Whether Spark and hive pass over a file: of parts that were not finished, of logs, of a system.

    Args:
        parts: its folders and its name, below what the user pointed at.

    Returns:
        True for a name that begins with a point, and in a folder that begins with ``_`` and is no column of its rows.
    """
    unfinished = any(folder.startswith("_") and "=" not in folder for folder in parts[:-1])
    return unfinished or any(part.startswith(".") and part != "." for part in parts)


@contextmanager
def _unpacked(stream: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """The stream itself, or what it holds packed where its name says so."""
    if name.endswith(".gz"):
        with gzip.GzipFile(fileobj=stream, mode="rb") as unpacked:
            yield unpacked  # type: ignore[misc]
    elif name.endswith(".bz2"):
        with bz2.BZ2File(stream) as unpacked:
            yield unpacked
    else:
        yield stream
