"""The file that says where a platform's database is and which two queries give its items and events.

``url`` as SQLAlchemy writes it, without a password: sqlite:///shop.db, postgresql+psycopg://reader@db.example/shop.
Paths in it are relative to the file's folder.
"""

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from shared.errors import ConfigError
from shared.system.options import check, option
from shared.system.settings_file import read_settings, require

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
        """The file; raises ConfigError."""
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

    def secret(self) -> str | None:
        """The password itself, None where the database asks for none; raises ConfigError, which never quotes it."""
        kind, _, where = self.password.partition(":")
        if kind == "env":
            found = os.environ.get(where, "")
            if not found:
                raise ConfigError(f"the database's password: the environment variable {where} is not set")
            return found
        return _from_file(Path(where)) if kind == "file" else None


_NO_PASSWORD = ("an address without a password, which comes from password = 'env:VARIABLE' or 'file:PATH'", "one in it")


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
