"""A platform's data wherever they are: in a platform folder, or in a database that a file describes."""

from pathlib import Path

from client.data.contract import (
    EVENTS,
    IMPRESSIONS,
    ITEMS,
    DataMoment,
    PlatformFolder,
    read_events,
    read_impressions,
    read_item_vectors,
    read_items,
    refuse_broken_rows,
    require_folder,
    vectors_file,
)
from client.data.tables import require_same_id_types
from client.store.records import Records


def is_database(path: Path) -> bool:
    """Whether it names the file of an SQL source: NAME.toml."""
    return path.suffix == ".toml" and not path.is_dir()


def read_platform_data(path: Path) -> PlatformFolder:
    """Read and checked against the data contract; raises InputError."""
    if is_database(path):
        from client.data.sql.tables import read_database  # SQLAlchemy takes a moment that no folder shall wait for

        return read_database(path)
    return read_folder(path)


def read_folder(path: Path, *, checked: bool = True) -> PlatformFolder:
    """Read a platform folder and refuse what would make its numbers wrong.

    Ids come out as Int64 or String, the same type in every table; timestamps as Int64 or Float64; ratings as
    Float32. Empty text and events out of order are let through (``graft-client check`` reports them): text
    may be poor, and preparation sorts.

    Raises DataError with the file, the column and the first row where a file is missing or unreadable, a
    column is missing or of the wrong type and, unless ``checked`` is False, where an id is null or unknown, an item id
    appears twice, a timestamp, rating or vector is not finite, or an impression's candidates and labels do not belong
    together.
    """
    require_folder(path)
    items = read_items(path / ITEMS)
    events = read_events(path / EVENTS)
    impressions = read_impressions(path / IMPRESSIONS) if (path / IMPRESSIONS).exists() else None
    require_same_id_types(path, items, events, impressions)
    items, vectors = read_item_vectors(path, items)
    folder = PlatformFolder(path=path, items=items, events=events, impressions=impressions, vectors=vectors)
    if checked:
        refuse_broken_rows(folder, vectors_file(path))
    return folder


def read_kept_data(path: Path, records: Records, lock: Path, moment: DataMoment) -> PlatformFolder:
    """The data of a database as of a task, of which only what is new is read: ``client/data/sql/mirror.py``."""
    from client.data.sql.mirror import Mirror

    return Mirror(records=records, lock=lock).read(path, moment)


def require_readable(path: Path, *, now: bool) -> None:
    """Raise ConfigError where the file of an SQL source makes no sense or, if it is to be read now, has no password."""
    if is_database(path):
        from client.data.sql.database import SqlSource

        source = SqlSource.read(path)
        if now:
            source.secret()


def platform_name(path: Path) -> str:
    """What a platform is called after its folder or file."""
    return path.stem if is_database(path) else path.name
