"""A platform's data wherever they are: in a platform folder, or in a database that a file describes."""

import logging
from dataclasses import replace
from pathlib import Path

from client.data.contract import (
    EVENTS,
    IMPRESSIONS,
    ITEMS,
    PlatformFolder,
    labels,
    read_events,
    read_impressions,
    read_item_vectors,
    read_items,
    refuse_broken_rows,
    require_folder,
    vectors_file,
)
from client.data.data_moment import DataMoment
from client.data.folder_options import Said
from client.data.ids import in_one_form
from client.data.impressions import unmatched_clicks
from client.data.positives import unread_note
from client.data.timed_tables import timed_tables
from client.data.times import ORDER
from client.data.violations import FOLDER
from client.store.records import Records

_LOG = logging.getLogger("graft.client")


def is_database(path: Path) -> bool:
    """Whether it names the file of an SQL source: NAME.toml."""
    return path.suffix == ".toml" and not path.is_dir()


def read_platform_data(path: Path, time_meaning: Said | None = None) -> PlatformFolder:
    """Read a platform's data, and check them against the data contract.

    What a person should know of them is logged.

    Args:
        path: a platform folder, or a file that describes a database.
        time_meaning: what timestamps mean that are numbers; None where nobody says.

    Returns:
        the tables.

    Raises:
        InputError: if they cannot be read or break the data contract.
    """
    if is_database(path):
        from client.data.sql.tables import read_database  # SQLAlchemy takes a moment that no folder shall wait for

        folder = read_database(path, time_meaning)
    else:
        folder = read_folder(path, time_meaning)
    _tell(folder)
    return folder


def _tell(folder: PlatformFolder) -> None:
    for note in folder.notes:
        _LOG.warning(note)


def read_folder(path: Path, time_meaning: Said | None = None) -> PlatformFolder:
    """Read a platform folder and refuse what would make its numbers wrong.

    Ids come out as Int64 or String, the same type in every table; timestamps in seconds or as an order, Int64 or
    Float64; ratings as Float32. Empty text and events out of order are let through (``graft-client check`` reports
    them): text may be poor, and preparation sorts.

    Args:
        path: the folder.
        time_meaning: what timestamps mean that are numbers; None where nobody says.

    Returns:
        the tables, with notes on what a person should know of them.

    Raises:
        DataError: if a file is missing or unreadable, a column is missing or of the wrong type, timestamps tell neither
            times nor an order, an id is null or unknown, an item id appears twice, a timestamp, rating or vector is not
            finite, or an impression's candidates and labels do not belong together. It names the file, the column and
            the first row.
    """
    require_folder(path)
    tables = {"items": read_items(path / ITEMS), "events": read_events(path / EVENTS)}
    if (path / IMPRESSIONS).exists():
        tables["impressions"] = read_impressions(path / IMPRESSIONS)
    tables = in_one_form(tables)
    items, vectors = read_item_vectors(path, tables["items"])
    clock = timed_tables(tables["events"], tables.get("impressions"), labels(path), time_meaning)
    unread = unread_note(clock.events, labels(path).events, FOLDER.as_rating)
    folder = PlatformFolder(
        path=path,
        items=items,
        events=clock.events,
        impressions=clock.impressions,
        vectors=vectors,
        notes=(*unread, *clock.notes),
        timed=clock.unit != ORDER,
    )
    refuse_broken_rows(folder, vectors_file(path))
    unmatched = () if folder.impressions is None else unmatched_clicks(folder.events, folder.impressions)
    return replace(folder, notes=(*folder.notes, *unmatched))


def read_kept_data(
    path: Path, records: Records, lock: Path, moment: DataMoment, time_meaning: Said | None = None
) -> PlatformFolder:
    """Read the data of a database as of a task; only what is new is read of it.

    See ``client/data/sql/mirror.py``. What a person should know of the data is logged.

    Args:
        path: the file that describes the database.
        records: where what was read before is kept.
        lock: a file that one task holds at a time.
        moment: the task as of which the data are wanted.
        time_meaning: what timestamps mean that are numbers; None where nobody says.

    Returns:
        the tables.

    Raises:
        InputError: if they cannot be read or break the data contract.
        StorageError: if the records cannot be read or written.
    """
    from client.data.sql.mirror import Mirror

    folder = Mirror(records=records, lock=lock).read(path, moment, time_meaning)
    _tell(folder)
    return folder


def require_readable(path: Path, *, now: bool) -> None:
    """Require that the file of an SQL source makes sense; a folder is not looked at.

    Args:
        path: a platform folder, or the file of an SQL source.
        now: whether it is to be read now, so that its password must be there.

    Raises:
        ConfigError: if the file makes no sense, or the password is wanted now and is missing.
    """
    if is_database(path):
        from client.data.sql.database import SqlSource

        source = SqlSource.read(path)
        if now:
            source.secret()


def platform_name(path: Path) -> str:
    """What a platform is called after its folder or file."""
    return path.stem if is_database(path) else path.name
