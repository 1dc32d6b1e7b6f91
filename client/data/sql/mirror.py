"""What an agent keeps of a database between tasks: chunks of the two tables as records beside the heads.

In the vault where there is one. Chunks are written first and the list of them last, so that a crash leaves the list,
and all that is on it, as it was. A task that comes again finds the data that it found the first time.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from client.data.contract import PlatformFolder
from client.data.data_moment import DataMoment
from client.data.folder_options import Said
from client.data.sql.database import Chunk, Snapshot, SqlSource, snapshot
from client.data.sql.tables import QUERIES, as_folder, checked, named, read_database, read_events, read_items, whole
from client.store.records import Records
from shared.errors import DataError, HeadStoreError
from shared.system.file_lock import file_lock

_READ: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "Decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where the next reading begins."""

    value: Any
    """the largest watermark that was read"""
    below: int
    """events with a smaller one"""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        text = self.value.isoformat() if isinstance(self.value, date) else str(self.value)
        return {"kind": type(self.value).__name__, "value": text, "below": self.below}

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> "Mark":
        """The inverse of ``to_json``; raises KeyError or ValueError for anything else."""
        return cls(value=_READ[facts["kind"]](facts["value"]), below=int(facts["below"]))

    @staticmethod
    def after(mark: "Mark | None", values: Sequence[Any], read: int, where: str) -> "Mark | None":
        """The mark once further values came.

        Args:
            mark: where the reading began; None where nothing was read before.
            values: watermarks of the new events, in their order.
            read: how many events were read before them.
            where: what the error calls the column.

        Returns:
            the new mark; the one of before where there are no values.

        Raises:
            DataError: if a value tells no order.
        """
        for place, value in enumerate(values):
            if type(value).__name__ not in _READ:
                kind = "null" if value is None else type(value).__name__
                raise DataError(f"{where}: expected numbers, times or texts that only grow, found {kind}")
            if mark is None or value != mark.value:
                mark = Mark(value=value, below=read + place)
        return mark


FORMAT = "graft-sql-mirror/2"
LIST, PREFIX = "sql-list", "sql-part-"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One record of rows, of which the first count."""

    name: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What is there."""

    source: str
    """digest of the source that it was read from"""
    task: str
    mark: Mark | None
    next: int
    """number of the next part"""
    items: tuple[Part, ...] = ()
    events: tuple[Part, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """Of both tables."""
        return (*self.items, *self.events)

    def to_bytes(self) -> bytes:
        """As a record."""
        parts = {name: [[part.name, part.rows] for part in getattr(self, name)] for name in ("items", "events")}
        mark = None if self.mark is None else self.mark.to_json()
        facts = {"format": FORMAT, "source": self.source, "task": self.task, "mark": mark, "next": self.next}
        return json.dumps({**facts, **parts}).encode("utf-8")

    @classmethod
    def from_bytes(cls, content: bytes) -> "Listed | None":
        """The inverse; None for anything else, since all of it can be read again."""
        try:
            facts: dict[str, Any] = json.loads(content)
            parts = {
                name: tuple(Part(name=part_name, rows=rows) for part_name, rows in facts[name])
                for name in ("items", "events")
            }
            mark = None if facts["mark"] is None else Mark.from_json(facts["mark"])
            whole_list = cls(source=facts["source"], task=facts["task"], mark=mark, next=facts["next"], **parts)
        except (ValueError, KeyError, TypeError):
            return None
        return whole_list if facts.get("format") == FORMAT else None


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """The records of one platform's database; ``lock`` is a file that one task holds at a time."""

    records: Records
    lock: Path

    def read(self, path: Path, moment: DataMoment, time_meaning: Said | None) -> PlatformFolder:
        """The data as of a task, checked; the database is asked for what is new where the task is a new one.

        All that was read counts, not only what is new. A source without a watermark is read whole, and nothing of it is
        kept. Where an error is raised, the list and its parts are as they were.

        Args:
            path: the file that describes the database.
            moment: the task as of which the data are wanted.
            time_meaning: what timestamps mean that are numbers; None where nobody says.

        Returns:
            the tables.

        Raises:
            InputError: if the data cannot be read or break the data contract.
            StorageError: if records cannot be read or written.
        """
        source = SqlSource.read(path)
        if not source.watermark:
            return read_database(path, time_meaning)
        self.lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file_lock(self.lock):
            listed = self._listed()
            self._sweep(listed)
            if self._serves(listed, source) and moment.task in ("", listed.task):
                return self._folder(source, path, listed, time_meaning)
            fresh = self._refreshed(source, path, listed, moment)
            folder = self._folder(source, path, fresh, time_meaning)
            self.records.write(LIST, fresh.to_bytes())
            self._sweep(fresh)
            return folder

    def _listed(self) -> Listed:
        content = self.records.read(LIST)
        stored = None if content is None else Listed.from_bytes(content)
        return stored or Listed(source="", task="", mark=None, next=0)

    def _serves(self, listed: Listed, source: SqlSource) -> bool:
        """Whether it is of this source and all of it is there."""
        return listed.source == source.digest and {part.name for part in listed.parts} <= set(self.records.names())

    def _refreshed(self, source: SqlSource, path: Path, listed: Listed, moment: DataMoment) -> Listed:
        start = Listed(source=source.digest, task=moment.task, mark=None, next=listed.next)
        with snapshot(source, path) as database:
            mark = listed.mark if self._serves(listed, source) else None
            if mark is not None and database.events_before(mark.value) == mark.below:
                start = replace(start, mark=mark, events=_first(listed.events, mark.below))
            return self._with_items(database, path, self._with_events(database, path, start))

    def _with_events(self, database: Snapshot, path: Path, listed: Listed) -> Listed:
        where = f"{named(path, QUERIES.events)}: column {database.source.watermark}"
        read = sum(part.rows for part in listed.events)
        since = None if listed.mark is None else listed.mark.value
        for chunk, table in _by_chunk(database.events(since), path, read_events):
            marks = chunk.column(_mark_name(chunk, database.source.watermark, where))
            mark = Mark.after(listed.mark, marks, read, where)
            part = self._write(listed.next, table)
            listed = replace(listed, mark=mark, next=listed.next + 1, events=(*listed.events, part))
            read += table.height
        return listed

    def _with_items(self, database: Snapshot, path: Path, listed: Listed) -> Listed:
        for _, table in _by_chunk(database.items(), path, read_items):
            part = self._write(listed.next, table)
            listed = replace(listed, next=listed.next + 1, items=(*listed.items, part))
        return listed

    def _write(self, number: int, table: pl.DataFrame) -> Part:
        content = io.BytesIO()
        # not compressed: where nothing seals it, a search of the disk for a text finds it
        table.write_parquet(content, compression="uncompressed")
        part = Part(name=f"{PREFIX}{number:08d}", rows=table.height)
        self.records.write(part.name, content.getvalue())
        return part

    def _folder(self, source: SqlSource, path: Path, listed: Listed, time_meaning: Said | None) -> PlatformFolder:
        events = whole(self._tables(listed.events), named(path, QUERIES.events))
        items = whole(self._tables(listed.items), named(path, QUERIES.items))
        return checked(as_folder(path, items, events), source, time_meaning)

    def _tables(self, parts: Iterable[Part]) -> Iterator[pl.DataFrame]:
        for part in parts:
            yield _table(part, self.records.read(part.name) or b"")

    def _sweep(self, listed: Listed) -> None:
        """Remove what is not on the list: a crash, or a newer list, has left it."""
        listed_names = {part.name for part in listed.parts}
        for name in self.records.names():
            if name.startswith(PREFIX) and name not in listed_names:
                self.records.delete(name)


def _table(part: Part, content: bytes) -> pl.DataFrame:
    try:
        return pl.read_parquet(io.BytesIO(content)).head(part.rows)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise HeadStoreError(f"the record {part.name} is damaged; without it the database is read anew") from error


def _first(parts: Iterable[Part], rows: int) -> tuple[Part, ...]:
    """The parts that hold the first rows, the last of them cut."""
    first_parts: list[Part] = []
    for part in parts:
        if rows > 0:
            first_parts.append(replace(part, rows=min(rows, part.rows)))
        rows -= part.rows
    return tuple(first_parts)


def _by_chunk(
    chunks: Iterable[Chunk], path: Path, read: Callable[[Iterable[Chunk], Path], Iterator[pl.DataFrame]]
) -> Iterator[tuple[Chunk, pl.DataFrame]]:
    for chunk in chunks:
        yield from ((chunk, table) for table in read([chunk], path))


def _mark_name(chunk: Chunk, watermark: str, where: str) -> str:
    if watermark.lower() not in chunk.names:
        raise DataError(f"{where}: expected it among the query's, found {', '.join(chunk.names[:20])}")
    chunk.refuse_repeats((watermark.lower(),), where)
    return watermark.lower()
