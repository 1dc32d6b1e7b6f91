"""Any CSV, TSV or Parquet tables, read through a map from our column names to theirs."""

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from client.data.folder_options import Said
from client.data.ids import EXACT, in_one_form, is_exact, same_form
from client.data.importers.imported import ImportedPlatform, first_filled, joined_text, positions
from client.data.importers.imported_times import WAYS, ImportedTimes, imported_times
from client.data.importers.quotes import HINT, QUOTES, refuse_swallowed_lines
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_table import SEPARATORS, Dialect, TextTable, read_text_table
from client.data.importers.time_format import polars_formats
from client.data.positives import like_rating
from client.data.published import PUBLISHED, in_seconds
from client.data.tables import read_parquet
from client.data.times import as_written
from client.data.written_times import from_iso, has_two_readings, zoned
from shared.errors import ConfigError, DataError

OUR_NAMES = ("user_id", "item_id", "items.item_id", "timestamp", "rating", "text", "category", PUBLISHED)
_KINDS = ("csv", "tsv", "txt", "parquet")
_TWO_READINGS = (
    "expected a time in ISO 8601, found a date that can be read two ways; say how with --time-format '%d/%m/%Y' or "
    "another one"
)
_NO_TIME = "expected a time in ISO 8601 or seconds since 1970; say how times are written with --time-format"
_WAYS = f"{WAYS}; or how a date is written with --time-format, such as '%Y%m%d'"
_DATES = "write them in ISO 8601, or say how a date is written with --time-format"
_NO_TEXT = (pl.Binary, pl.Duration, pl.Object)
_WHOLE = r"^(0|-?[1-9][0-9]{0,17})$"


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
    separator: str | None = None
    """None: whichever of comma, tab, semicolon and bar is most frequent in the first line."""
    quotes: str | None = None
    """What quotation marks do, one of QUOTES; None: they enclose fields, of which none may seem to be lines."""
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        for name in self.columns:
            if name not in OUR_NAMES:
                raise ConfigError(f"--map: expected one of {', '.join(OUR_NAMES)}; got {name!r}")
        if self.separator is not None and not re.fullmatch(r"[\x01-\x7f]", self.separator):
            raise ConfigError(f"--separator: expected one ASCII character; got {self.separator!r}")
        if self.separator in ("\n", "\r", '"'):
            raise ConfigError(f"--separator: expected neither a line end nor a quotation mark; got {self.separator!r}")
        if self.quotes not in (None, *QUOTES):
            raise ConfigError(f"--quotes: expected {' or '.join(QUOTES)}; got {self.quotes!r}")
        if self.time_format is not None:
            polars_formats(self.time_format)
        try:
            "a".encode(self.encoding)
            codecs.getincrementaldecoder(self.encoding)
        except (LookupError, UnicodeError) as error:
            raise ConfigError(f"--encoding: expected a text encoding; got {self.encoding!r}") from error

    def theirs(self, name: str) -> str:
        """What the tables call our column ``name``."""
        return self.columns.get(name, name.removeprefix("items."))


def parse_columns(maps: list[str]) -> dict[str, str]:
    """``["user_id=customer,text=title+brand", "rating=qty"]`` as a dictionary; raises ConfigError."""
    columns: dict[str, str] = {}
    for pair in (pair for one in maps for pair in one.split(",")):
        name, equals, column = pair.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise ConfigError(f"--map: expected OURS=THEIRS, such as user_id=customer; got {pair!r}")
        if name.strip() in columns:
            raise ConfigError(f"--map: {name.strip()} is given twice")
        columns[name.strip()] = column.strip()
    return columns


def import_csv(source: Source, settings: CsvMap | None = None) -> ImportedPlatform:
    """One event per row; items from their own table, or the distinct items of the events.

    Raises DataError with the file and line, or the row of a Parquet file, where a value is wrong.
    """
    settings = settings or CsvMap()
    events = _table(_events_file(source, settings), source, settings)
    _require_columns(events, settings)
    file = _items_file(source, settings)
    table = _table(file, source, settings) if file else None
    items = _items_of_events(events, settings) if table is None else _items(table, settings)
    times = _times(events, settings, source.said)
    found = _events(events, settings).with_columns(timestamp=times.values)
    notes = times.notes + _unread_notes(events, table, settings)
    return _with_whole_ids(ImportedPlatform(items=items, events=found, notes=notes))


def _unread_notes(events: TextTable, items: TextTable | None, settings: CsvMap) -> tuple[str, ...]:
    """Which columns were not read."""
    read = [settings.theirs(name) for name in ("user_id", "item_id", "rating")]
    read += [] if settings.no_time else [settings.theirs("timestamp")]
    described = [*_text_columns(settings), settings.theirs("category"), settings.theirs(PUBLISHED)]
    like = like_rating(events.unread(*read, *described))
    hint = f" (to read a rating: --map rating={like})" if like else ""
    if items is None:
        return events.unread_note(*read, *described, hint=hint)
    lost = {"text", "category", "vector", "vectors", *items.without_text} - set(described)
    kept = [name for name in items.rows.columns if name not in lost]
    return events.unread_note(*read, hint=hint) + items.unread_note(*kept, *described)


def _events_file(source: Source, settings: CsvMap) -> SourceFile:
    if settings.events is not None:
        return _named(source, settings.events)
    patterns = tuple(f"events.{kind}" for kind in _KINDS)
    if source.paths[0].is_dir():
        return source.one(*patterns)
    return source.one(*(f"*.{kind}" for kind in _KINDS))


def _items_file(source: Source, settings: CsvMap) -> SourceFile | None:
    if settings.items is not None:
        return _named(source, settings.items)
    return source.optional(*(f"items.{kind}" for kind in _KINDS)) if source.paths[0].is_dir() else None


def _named(source: Source, path: Path) -> SourceFile:
    """A file named by an option: in the source's folder, or where the path says."""
    inside = source.paths[0] / path
    place = inside if inside.exists() else path
    return Source(paths=(place,), scratch=source.scratch).one(*(f"*.{kind}" for kind in _KINDS))


def _table(file: SourceFile, source: Source, settings: CsvMap) -> TextTable:
    if file.name.endswith(".parquet"):
        return _parquet_as_text(file, [settings.theirs(name) for name in OUR_NAMES if name.endswith("_id")])
    if settings.separator is not None:
        return _text(file, source, settings, settings.separator)
    first = file.head(settings.encoding)
    return _text(file, source, settings, max(SEPARATORS, key=first.count))


def _text(file: SourceFile, source: Source, settings: CsvMap, separator: str) -> TextTable:
    enclosing = settings.quotes != "text"
    dialect = Dialect(separator=separator, quote='"' if enclosing else None, hint=HINT)
    table = read_text_table(file, source.scratch, dialect, encoding=settings.encoding)
    if settings.quotes is None:
        refuse_swallowed_lines(table, separator)
    return table


def _parquet_as_text(file: SourceFile, ids: list[str]) -> TextTable:
    if file.member is not None:
        raise DataError(f"{file.label}: a Parquet file has to be unpacked first")
    table = read_parquet(file.path)
    for name in table.columns:
        if name in ids and table.schema[name] in EXACT:
            _refuse_merged(file, table[name])
    texts = {name: text for name, kind in table.schema.items() if (text := _as_text(name, kind)) is not None}
    rows = table.select(**texts)
    without_text = {name: str(kind) for name, kind in table.schema.items() if name not in texts}
    lines = pl.int_range(rows.height, eager=True)
    return TextTable(label=file.label, rows=rows, lines=lines, unit="row", without_text=without_text)


def _refuse_merged(file: SourceFile, ids: pl.Series) -> None:
    """Raise DataError for the first float that may stand for several ids."""
    wrong = ~is_exact(ids).fill_null(value=True)
    if wrong.any():
        raise DataError(
            f"{file.label}, row {wrong.arg_max()}: column {ids.name}: expected a whole number that {ids.dtype} tells "
            "from the next, found another one (write ids as integers or texts)"
        )


def _as_text(name: str, kind: pl.DataType) -> pl.Expr | None:
    """Times in ISO 8601, with their zone where they have one, lists of texts with commas; None for what has none."""
    if isinstance(kind, pl.Datetime):
        return pl.col(name).dt.to_string("iso")
    if isinstance(kind, pl.List) and kind.inner in (pl.String, pl.Categorical, pl.Enum):
        return pl.col(name).cast(pl.List(pl.String)).list.join(", ")
    return None if kind.is_nested() or kind in _NO_TEXT else pl.col(name).cast(pl.String)


def _events(table: TextTable, settings: CsvMap) -> pl.DataFrame:
    rating = settings.theirs("rating")
    given = "rating" in settings.columns or rating in table.rows.columns
    events = pl.DataFrame(
        {"user_id": table.ids(settings.theirs("user_id")), "item_id": table.ids(settings.theirs("item_id"))}
    )
    ratings = table.ratings(rating) if given else pl.lit(1.0, pl.Float32)
    return events.with_columns(timestamp=pl.lit(0), rating=ratings)


def _require_columns(table: TextTable, settings: CsvMap) -> None:
    """Raise DataError where one is missing, with the option that names it."""
    for name in ("user_id", "item_id"):
        table.require(settings.theirs(name), hint=f" (name it: --map {name}=COLUMN)")
    if not settings.no_time:
        hint = " (name it: --map timestamp=COLUMN; where there is none: --no-time)"
        table.require(settings.theirs("timestamp"), hint=hint)


def _times(table: TextTable, settings: CsvMap, said: Said | None) -> ImportedTimes:
    users = table.ids(settings.theirs("user_id"))
    if settings.no_time:
        rows = pl.DataFrame({"user_id": users}).select(positions()).to_series()
        return ImportedTimes(values=rows, notes=("timestamps are positions in the file",))
    name = settings.theirs("timestamp")
    values, notes = _written(table, name, settings.time_format)
    times = imported_times(values, users, table.row(name), said, _WAYS)
    return ImportedTimes(values=times.values, notes=(*notes, *times.notes))


def _written(table: TextTable, name: str, time_format: str | None) -> tuple[pl.Series, tuple[str, ...]]:
    """The column as numbers, or as datetimes; and notes."""
    if time_format is not None:
        return table.times(name, *polars_formats(time_format)), ()
    texts = table.texts(name)
    numbers = texts.cast(pl.Float64, strict=False).is_not_null()
    if len(texts) and numbers.all():
        return table.clock(name), ()
    times = from_iso(texts)
    if numbers.sum() > times.count():
        return table.clock(name), ()  # which names the row that is no number
    table.refuse(times.is_null() & has_two_readings(texts), name, _TWO_READINGS)
    table.refuse(times.is_null(), name, _NO_TIME)
    no_zone = int((~zoned(texts)).sum())
    mixed = 0 < no_zone < len(texts)
    return table.after_1969(times, name), ((f"{no_zone:,} times say no zone: they are read as UTC",) if mixed else ())


def _items(table: TextTable, settings: CsvMap) -> pl.DataFrame:
    name = settings.theirs("items.item_id" if "items.item_id" in settings.columns else "item_id")
    if "items.item_id" not in settings.columns and name not in table.rows.columns:
        name = "item_id"
    table.require(name, hint=" (name it: --map items.item_id=COLUMN)")
    ids = table.ids(name)
    table.refuse_repeats(ids, name)
    further = [other for other in table.rows.columns if other not in (name, "item_id", PUBLISHED)]
    return _described(table, ids, settings).with_columns(
        table.texts(other) for other in further if other not in ("text", "category", "vector", "vectors")
    )


def _items_of_events(table: TextTable, settings: CsvMap) -> pl.DataFrame:
    """The distinct items of the events, each with its first text and category that are not empty."""
    (ids,) = same_form([table.ids(settings.theirs("item_id"))])
    return first_filled(_described(table, ids, settings))


def _described(table: TextTable, ids: pl.Series, settings: CsvMap) -> pl.DataFrame:
    """item_id, text and category where there is one."""
    names = _text_columns(settings)
    missing = [name for name in names if name not in table.rows.columns]
    if missing:
        found = ", ".join(table.rows.columns[:20])
        raise DataError(
            f"{table.label}: expected the column {missing[0]} for the text of items, found {found} "
            "(name the columns that describe an item: --map text=title+brand)"
        )
    text = joined_text(*(pl.lit(table.texts(name)) for name in names))
    items = pl.DataFrame({"item_id": ids}).with_columns(text=text)
    category = settings.theirs("category")
    if "category" in settings.columns or category in table.rows.columns:
        items = items.with_columns(category=table.texts(category))
    if PUBLISHED in settings.columns or PUBLISHED in table.rows.columns:
        items = items.with_columns(_published(table, settings))
    return items


def _published(table: TextTable, settings: CsvMap) -> pl.Series:
    """When each item was published, as a time; null where nothing stands."""
    name = settings.theirs(PUBLISHED)
    told = table.texts(name) != ""
    given = table.filter(told)
    texts = given.texts(name)
    values = from_iso(texts)
    if values.null_count():
        values, _ = _written(given, name, settings.time_format)
    seconds = in_seconds(values, given.row(name), _DATES)
    rows = pl.DataFrame({"row": told.arg_true(), PUBLISHED: as_written(seconds)})
    every = pl.DataFrame({"row": pl.int_range(len(told), dtype=pl.UInt32, eager=True)})
    return every.join(rows, on="row", how="left", maintain_order="left")[PUBLISHED]


def _text_columns(settings: CsvMap) -> list[str]:
    return [name.strip() for name in settings.theirs("text").split("+")]


def _with_whole_ids(whole: ImportedPlatform) -> ImportedPlatform:
    """Ids as integers where all of a kind are whole numbers, as they were in the tables."""
    items, events = in_one_form({"items": whole.items, "events": whole.events}).values()
    if bool(events["user_id"].str.contains(_WHOLE).all()):
        events = events.with_columns(pl.col("user_id").cast(pl.Int64))
    if all(bool(table["item_id"].str.contains(_WHOLE).all()) for table in (items, events)):
        items, events = (table.with_columns(pl.col("item_id").cast(pl.Int64)) for table in (items, events))
    return ImportedPlatform(items=items, events=events, notes=whole.notes)
