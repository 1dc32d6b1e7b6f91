"""The files of a data set as it is distributed: a folder, a zip, a gzipped or a plain file.

A folder is searched first for unpacked files, and only where none fits inside the zips that lie in it. Gzip is
undone on the way, in a folder and in a zip alike, so ``reviews.json`` also finds ``reviews.json.gz``.
"""

import codecs
import gzip
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from client.data.folder_options import Said
from client.data.tables import first_line
from shared.errors import DataError
from shared.system.progress import track

_CHUNK = 1 << 20
_UNREADABLE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)
"""What Python's gzip and zipfile raise on damaged, truncated, encrypted or unknown content."""


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file of a source, wherever it lies."""

    path: Path
    """The file itself, or the zip that holds it."""
    member: str | None
    """Its name inside the zip."""

    @property
    def label(self) -> str:
        """How errors name it."""
        return str(self.path) if self.member is None else f"{self.path}:{self.member}"

    @property
    def name(self) -> str:
        """Its own name without folders and without ``.gz``."""
        return PurePosixPath(self.member or self.path.name).name.removesuffix(".gz")

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Its bytes, unpacked; raises DataError where they cannot be read to the end."""
        try:
            with self._raw() as raw, _without_gzip(raw, self.member or self.path.name) as stream:
                yield stream
        except _UNREADABLE as error:
            raise DataError(f"{self.label}: cannot be read to its end ({first_line(error)})") from error

    @contextmanager
    def _raw(self) -> Iterator[IO[bytes]]:
        """Its bytes as they lie on the disk or in the zip."""
        if self.member is None:
            with self.path.open("rb") as stream:
                yield stream
            return
        with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as member:
            yield member

    def unpack(self, scratch: Path, encoding: str = "utf-8") -> Path:
        """Copy it as UTF-8 text into ``scratch``, lines that end in a carriage return alone with line feeds.

        Raises DataError with the line of the first wrong byte.
        """
        target = scratch / f"{len(list(scratch.iterdir()))}-{self.name}"
        with self.open() as stream, target.open("wb") as copy:
            copy.writelines(track(self._as_utf8(stream, encoding), f"reading {self.name}"))
        return target

    def head(self, encoding: str = "utf-8") -> str:
        """Its first line, or as much of it as a chunk holds; raises DataError where that is not text."""
        with self.open() as stream:
            return next(self._as_utf8(stream, encoding)).decode("utf-8").partition("\n")[0]

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Its lines with their numbers from 1, one at a time."""
        with self.open() as stream:
            yield from track(enumerate(stream, start=1), f"reading {self.name}")

    def _as_utf8(self, stream: IO[bytes], encoding: str) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        line = 1
        bare: bool | None = None  # whether lines end in a carriage return alone; the first chunk tells
        while True:
            chunk = stream.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
                bare = "\r" in text and "\n" not in text if bare is None else bare
                text = text.replace("\r", "\n") if bare else text
                utf8 = text.encode("utf-8")
            except UnicodeError as error:
                if isinstance(error, UnicodeDecodeError):
                    line += error.object[: error.start].count(b"\n")
                raise DataError(f"{self.label}, line {line}: expected {encoding.upper()} text") from error
            line += text.count("\n")
            yield utf8
            if not chunk:
                return


@dataclass(frozen=True, kw_only=True)
class Source:
    """What the user pointed at, and a scratch folder for what has to be unpacked."""

    paths: tuple[Path, ...]
    """A file or folder, and further ones of the same data set."""
    scratch: Path
    said: Said | None = None
    """What the user says of timestamps that are numbers."""

    @property
    def label(self) -> str:
        """How errors name it."""
        return ", ".join(str(path) for path in self.paths)

    def one(self, *patterns: str, but: str | None = None) -> SourceFile:
        """The only file whose name fits a pattern; raises DataError where there is none or several."""
        found = self.some(*patterns, but=but)
        if len(found) > 1:
            several = " and ".join(file.label for file in found[:3])
            raise DataError(f"{self.label}: expected one file {patterns[0]}, found {several}")
        return found[0]

    def some(self, *patterns: str, but: str | None = None) -> list[SourceFile]:
        """As ``all``; raises DataError where there is none."""
        found = self.all(*patterns, but=but)
        if not found:
            expected = " or ".join(patterns)
            raise DataError(f"{self.label}: expected a file {expected}, found {self._contents()}")
        return found

    def each(self, *patterns: str) -> list[SourceFile]:
        """The only such file of every path that holds any; raises DataError where none does, or one holds several."""
        self.some(*patterns)
        return _each_once(one.one(*patterns) for one in self.apart() if one.all(*patterns))

    def apart(self) -> list["Source"]:
        """Each path as a source of its own."""
        return [replace(self, paths=(path,)) for path in self.paths]

    def optional(self, *patterns: str) -> SourceFile | None:
        """As ``one``, but None where there is no such file."""
        return self.one(*patterns) if self.all(*patterns) else None

    def all(self, *patterns: str, but: str | None = None) -> list[SourceFile]:
        """Every file whose name fits a pattern and does not fit ``but``, by place and name; each once."""
        return _each_once(
            file
            for path in self.paths
            for file in _fitting(_plain_files(path), patterns, but) or _fitting(_zipped_files(path), patterns, but)
        )

    def _contents(self) -> str:
        names = [file.name for path in self.paths for file in _plain_files(path) + _zipped_files(path)]
        return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "no file"


def _each_once(files: Iterable[SourceFile]) -> list[SourceFile]:
    return list({(file.path.resolve(), file.member): file for file in files}.values())


def _fitting(files: list[SourceFile], patterns: tuple[str, ...], but: str | None) -> list[SourceFile]:
    fitting = [file for file in files if any(fnmatchcase(file.name, one) for one in patterns)]
    return [file for file in fitting if but is None or not fnmatchcase(file.name, but)]


def _plain_files(path: Path) -> list[SourceFile]:
    return [SourceFile(path=file, member=None) for file in _paths(path) if not _is_zip(file)]


def _zipped_files(path: Path) -> list[SourceFile]:
    zips = [file for file in _paths(path) if _is_zip(file)]
    return [SourceFile(path=file, member=member) for file in zips for member in _members(file)]


def _paths(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"{path}: expected a file or folder, found nothing")
    return sorted(file for file in path.rglob("*") if file.is_file() and not _hidden(file.name))


def _is_zip(path: Path) -> bool:
    return path.name.lower().endswith(".zip")


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise DataError(f"{path}: expected a zip file ({first_line(error)})") from error
    return sorted(name for name in names if not any(_hidden(part) for part in name.split("/")))


def _hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


@contextmanager
def _without_gzip(stream: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """The stream itself, or what it holds packed where its name ends in ``.gz``."""
    if not name.endswith(".gz"):
        yield stream
        return
    with gzip.GzipFile(fileobj=stream, mode="rb") as unpacked:
        yield unpacked  # type: ignore[misc]
