"""A platform's database, which a file names, read only: one transaction, a cursor on its side, rows in chunks.

What a driver says is passed on only where it cannot quote a row, and never with the password in it.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Select, bindparam, column, create_engine, func, literal_column, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError as RowError
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnClause, TextClause
from sqlalchemy.sql.selectable import TextualSelect

from client.data.sql.sorted_query import sorts
from client.data.tables import first_line
from shared.errors import ConfigError, DataError, SourceUnreachable
from shared.system.options import check, option
from shared.system.settings_file import read_settings, require

_NO_PASSWORD = ("an address without a password, which comes from password = 'env:VARIABLE' or 'file:PATH'", "one in it")
SECRETS = ("password", "passwd", "pwd", "sslpassword")
"""what a URL may not hold: it stands in settings, and files are copied"""


@dataclass(frozen=True, kw_only=True)
class SqlSource:
    """The file, checked; raises ConfigError, which never quotes a URL or a password."""

    url: str = option("", help="The database as SQLAlchemy writes it, without a password: sqlite:///shop.db.")
    password: str = option(
        "", help="Where it is: env:VARIABLE or file:PATH; empty: the database asks for none.", metavar="KIND:WHERE"
    )
    items: str = option("", help="The query that gives item_id and text, and where there are, category and vector.")
    events: str = option(
        "",
        help="The query that gives user_id, item_id and timestamp, where there is, rating, and the watermark's column.",
    )
    watermark: str = option(
        "",
        help="A column of the events that only grows, by which new ones are told; empty: all events are read each "
        "time.",
    )
    chunk_rows: int = option(20_000, least=1, help="Rows read at once.")

    def __post_init__(self) -> None:
        url = self.parsed
        require("url", url.password is None and not set(SECRETS) & set(url.query), *_NO_PASSWORD)
        in_memory = url.get_backend_name() == "sqlite" and (url.database or "") in ("", ":memory:")
        require("url", not in_memory, "a database in a file", "one in memory")
        kind, _, where = self.password.partition(":")
        holds = not self.password or (kind in ("env", "file") and bool(where))
        require("password", holds, "env:VARIABLE or file:PATH", "something else")
        for name in ("items", "events"):
            require(name, bool(getattr(self, name).strip()), "a query", "none")
        check(self)

    @classmethod
    def read(cls, path: Path) -> "SqlSource":
        """Read the file of an SQL source.

        Args:
            path: the file, NAME.toml.

        Returns:
            the source; the database is not asked yet.

        Raises:
            ConfigError: if the file cannot be read or makes no sense.
        """
        source = read_settings(cls, path)
        kind, _, where = source.password.partition(":")
        if kind == "file":
            source = replace(source, password=f"file:{path.resolve().parent / where}")
        url = source.parsed
        inside = url.database or ""
        if url.get_backend_name() == "sqlite" and not inside.startswith("file:"):
            url = url.set(database=str(path.resolve().parent / inside))
        return replace(source, url=url.render_as_string())

    @property
    def parsed(self) -> URL:
        """The URL in its parts; raises ConfigError."""
        try:
            return make_url(self.url)
        except (SQLAlchemyError, ValueError) as error:
            raise ConfigError("url must be DIALECT://..., as in sqlite:///shop.db; got something else") from error

    @property
    def digest(self) -> str:
        """Another one where other rows may come; the password is not in it."""
        parts = [self.url, self.items, self.events, self.watermark]
        return hashlib.sha256(json.dumps(parts).encode("utf-8")).hexdigest()

    @property
    def is_sorted(self) -> bool:
        """Whether the query of the events sorts its rows."""
        return sorts(self.events)

    @property
    def orders_ties(self) -> bool:
        """Whether events of one user and time come in an order of theirs, which a watermark tells, or the query."""
        return self.watermark.lower() != "timestamp" if self.watermark else self.is_sorted

    def secret(self) -> str | None:
        """The password itself, None where the database asks for none; raises ConfigError, which never quotes it."""
        kind, _, where = self.password.partition(":")
        if kind == "env":
            password = os.environ.get(where, "")
            if not password:
                raise ConfigError(f"the database's password: the environment variable {where} is not set")
            return password
        return _from_file(Path(where)) if kind == "file" else None


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        content = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ConfigError(f"the database's password file {path} cannot be read: {reason}") from error
    if mode & 0o077:
        raise ConfigError(f"the database's password file {path} is open to other users of the machine: chmod 600 it")
    if not content:
        raise ConfigError(f"the database's password file {path} is empty")
    return content


CONNECT_SECONDS = "10"
_NUMBERED = re.compile(r":\d+$")
"""what SQLite puts behind the name of a column that a query gives again"""
_LONE_COLON = re.compile(r"(?<!:):(?!:)")
Row = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Rows of a query that were read at once."""

    names: tuple[str, ...]
    """of the columns, in small letters"""
    rows: Sequence[Row]
    before: int = 0
    """how many rows came before"""

    def column(self, name: str) -> list[Any]:
        """Its values; the column is there."""
        place = self.names.index(name)
        return [row[place] for row in self.rows]

    def refuse_repeats(self, read: Iterable[str], where: str) -> None:
        """Refuse a query that gives one of the columns several times.

        Args:
            read: names of the columns that are read.
            where: what the error calls the query.

        Raises:
            DataError: if one of them comes several times.
        """
        names = [_NUMBERED.sub("", name) for name in self.names]
        repeated = [name for name in read if names.count(name) > 1]
        if repeated:
            raise DataError(
                f"{where}: expected each column once, found {', '.join(repeated)} several times (name the columns one "
                "by one, and with AS what has the same name in two tables)"
            )


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One transaction: nothing that others write meanwhile is seen, where the database can promise that."""

    connection: Connection
    source: SqlSource
    where: Path
    """the source's file, for messages"""
    secret: str | None

    def items(self) -> Iterator[Chunk]:
        """Raises DataError where the query fails."""
        return self._chunks("items", select(literal_column("*")).select_from(self._table("items")))

    def events(self, since: object = None) -> Iterator[Chunk]:
        """The events, in chunks.

        Args:
            since: the least watermark that is wanted; None for all events.

        Returns:
            chunks, sorted by watermark where there is one, else as the query sorts them.

        Raises:
            DataError: if the database says no.
        """
        if self.source.is_sorted and not self.source.watermark:
            return self._chunks("events", self._query("events"))  # around it no database promises its order
        query: Select[Any] = select(literal_column("*")).select_from(self._table("events"))
        if since is not None:
            query = query.where(self._mark >= bindparam("since", since))
        if self.source.watermark:
            query = query.order_by(self._mark, column("user_id"), column("item_id"))
        return self._chunks("events", query)

    def events_before(self, mark: object) -> int:
        """How many events there are whose watermark is less.

        Args:
            mark: the watermark.

        Returns:
            number of events.

        Raises:
            DataError: if the database says no.
        """
        query = select(func.count()).select_from(self._table("events")).where(self._mark < bindparam("mark", mark))
        with told(f"{self.where}: the events query failed", self.secret):
            return int(self.connection.execute(query).scalar_one())

    @property
    def _mark(self) -> ColumnClause[Any]:
        return column(self.source.watermark)

    def _table(self, name: str) -> Any:
        written: TextualSelect = self._query(name).columns()
        return written.subquery(f"graft_{name}")

    def _query(self, name: str) -> TextClause:
        query = getattr(self.source, name).strip().rstrip(";")
        # a colon of the operator's is none of SQLAlchemy's parameters; what is put behind a last comment is none of it
        return text(_LONE_COLON.sub(r"\\:", query) + "\n")

    def _chunks(self, name: str, query: Select[Any] | TextClause) -> Iterator[Chunk]:
        size = self.source.chunk_rows
        with told(f"{self.where}: the {name} query failed", self.secret):
            result = self.connection.execute(query, execution_options={"yield_per": size})
        names = tuple(key.lower() for key in result.keys())  # noqa: SIM118
        yield Chunk(names=names, rows=())
        with told(f"{self.where}: the {name} query failed while its rows were read", self.secret, quote_driver=False):
            before = 0
            for rows in result.partitions(size):
                yield Chunk(names=names, rows=rows, before=before)
                before += len(rows)


@contextmanager
def snapshot(source: SqlSource, where: Path) -> Iterator[Snapshot]:
    """Connect and read; the connection ends with the block.

    Args:
        source: says where the database is, and where its password stands.
        where: the source's file, for errors.

    Yields:
        the connection, to which the queries are put.

    Raises:
        ConfigError: if a driver is not there, or the password is missing.
        SourceUnreachable: if the database does not let one in.
        DataError: if it says no afterwards.
    """
    secret = source.secret()
    engine = _engine(source, secret)
    try:
        with told(f"{where}: the database cannot be reached", secret, as_error=SourceUnreachable):
            connection = engine.connect()
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")  # its driver begins no transaction to read
        with connection:
            yield Snapshot(connection=connection, source=source, where=where, secret=secret)
    finally:
        engine.dispose()


@contextmanager
def told(
    what: str, secret: str | None, *, quote_driver: bool = True, as_error: type[DataError] = DataError
) -> Iterator[None]:
    """Turn what the block raises of the database into one error, without the password in it.

    Args:
        what: did not work, in words.
        secret: the password; None where there is none.
        quote_driver: whether the driver's own words are passed on.
        as_error: the error that is raised.

    Raises:
        DataError: if the block raises an error of the database; of the class ``as_error``.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise as_error(f"{what} ({_reason(error, secret, quote_driver)})") from None


def _reason(error: SQLAlchemyError, secret: str | None, quote_driver: bool) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if not quote_driver or isinstance(error, (RowError, IntegrityError)):
        state = getattr(cause, "sqlstate", None)
        return type(cause).__name__ + (f", SQLSTATE {state}" if state else "")
    line = first_line(cause)
    return line.replace(secret, "***") if secret else line


def _engine(source: SqlSource, secret: str | None) -> Engine:
    url = source.parsed if secret is None else source.parsed.set(password=secret)
    options: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite" and not (url.database or "").startswith("file:"):
        file = Path(url.database or "")
        if not file.is_file():
            raise DataError(f"{file}: expected an SQLite database, found {'a folder' if file.is_dir() else 'nothing'}")
        url = url.set(database=f"file:{quote(str(file))}").update_query_dict({"mode": "ro", "uri": "true"})
    if url.get_backend_name() == "postgresql":
        options["execution_options"] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        if "connect_timeout" not in url.query:
            url = url.update_query_dict({"connect_timeout": CONNECT_SECONDS})
    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=True, **options)
    except (SQLAlchemyError, ImportError) as error:
        raise ConfigError(
            f"url: no driver for {source.parsed.drivername} is installed; for PostgreSQL: pip install graft[postgresql]"
        ) from error
