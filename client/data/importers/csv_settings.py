"""What a user says of their own tables: which files, how they are cut, and a map from our column names to theirs."""

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path

from client.data.importers.quotes import QUOTES
from client.data.importers.time_format import polars_formats
from client.data.published import PUBLISHED
from shared.errors import ConfigError

OUR_NAMES = ("user_id", "item_id", "items.item_id", "timestamp", "rating", "text", "category", PUBLISHED)


@dataclass(frozen=True, kw_only=True)
class CsvMap:
    """Where the columns are; a name that is not in ``columns`` is called as ours."""

    events: Path | None = None
    """The table of events; None: the source itself, or the file ``events.*`` in its folder."""
    items: Path | None = None
    """The table of items; None: ``items.*`` in the source's folder, else the table of events."""
    columns: dict[str, str] = field(default_factory=dict)
    """Our name -> theirs; ``text`` may join several with ``+``. ``items.item_id`` is for a table of items
    that calls the item otherwise than the events do."""
    time_format: str | None = None
    """How a time is written, as for Python's strptime; None: Unix time, or ISO 8601, in UTC where no zone stands."""
    no_time: bool = False
    """True where there are no times: the order of the rows is the order of the events."""
    header: tuple[str, ...] | None = None
    """The names of the columns where the first line of the events does not say them."""
    separator: str | None = None
    """One character or several; None: whichever of comma, tab, semicolon and bar is most frequent in the first line."""
    decimal: str = "."
    """What stands before the fraction of a number."""
    quotes: str | None = None
    """What quotation marks do, one of QUOTES; None: they enclose fields, of which none may seem to be lines."""
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        for name in self.columns:
            if name not in OUR_NAMES:
                raise ConfigError(f"--map: expected one of {', '.join(OUR_NAMES)}; got {name!r}")
        self._check_cuts()
        if self.quotes not in (None, *QUOTES):
            raise ConfigError(f"--quotes: expected {' or '.join(QUOTES)}; got {self.quotes!r}")
        if self.time_format is not None:
            polars_formats(self.time_format)
        require_encoding(self.encoding)

    def _check_cuts(self) -> None:
        if self.separator is not None and not re.fullmatch(r"[\x01-\x7f]+", self.separator):
            raise ConfigError(f"--separator: expected ASCII characters; got {self.separator!r}")
        if self.separator is not None and set(self.separator) & set('\n\r"'):
            raise ConfigError(f"--separator: expected neither a line end nor a quotation mark; got {self.separator!r}")
        if self.decimal not in (".", ","):
            raise ConfigError(f"--decimal: expected . or ,; got {self.decimal!r}")
        names = self.header or ()
        if not all(names) or len(set(names)) < len(names):
            raise ConfigError(f"--columns: expected names, each once, with commas between; got {','.join(names)!r}")

    def theirs(self, name: str) -> str:
        """What the tables call our column ``name``."""
        return self.columns.get(name, name.removeprefix("items."))


def require_encoding(encoding: str) -> None:
    """Raise ConfigError for what is no encoding of texts."""
    try:
        "a".encode(encoding)
        codecs.getincrementaldecoder(encoding)
    except (LookupError, UnicodeError) as error:
        raise ConfigError(f"--encoding: expected a text encoding; got {encoding!r}") from error


def parse_columns(maps: list[str]) -> dict[str, str]:
    """``["user_id=customer,text=title+brand", "rating=qty"]`` as a dictionary; raises ConfigError."""
    columns: dict[str, str] = {}
    for pair in (pair for text in maps for pair in text.split(",")):
        name, equals, column = pair.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise ConfigError(f"--map: expected OURS=THEIRS, such as user_id=customer; got {pair!r}")
        if name.strip() in columns:
            raise ConfigError(f"--map: {name.strip()} is given twice")
        columns[name.strip()] = column.strip()
    return columns
