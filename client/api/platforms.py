"""Platform folders from data frames, and back."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from client.api.frame_map import with_proposed_map
from client.api.frame_tables import EVENTS, ITEMS, events_of, impressions_of, items_in, items_of, require_sound
from client.api.frames import as_frame
from client.api.python_words import in_python_words, python_words
from client.data.contract import PlatformFolder
from client.data.folder_options import Said
from client.data.importers.csv_settings import CsvMap
from client.data.importers.form_events import WRITTEN_WAYS
from client.data.importers.imported import ImportedPlatform
from client.data.importers.imported_times import imported_times
from client.data.importers.table import ImportChoices, import_with
from client.data.source import read_platform_data
from client.data.spec import parse_folder


def read_platform(platform: str | Path) -> PlatformFolder:
    """Read a platform and check it against the data contract.

    Args:
        platform: a platform folder or an SQL source's file, ``DIR[,option=value...]`` with the options of a platform
            (docs/settings.md). Options that choose users or events have no effect here: all is read.

    Returns:
        The tables ``items``, ``events`` and ``impressions`` as polars frames, and ``notes`` that a person should read.

    Raises:
        ConfigError: if an option makes no sense.
        DataError: if something is missing or wrong; the message names file, column and row.
    """
    spec = parse_folder(str(platform))
    return read_platform_data(spec.path, spec.said_of_times)


@in_python_words()
def build_platform(
    folder: str | Path,
    *,
    events: Any,
    items: Any = None,
    impressions: Any = None,
    map: Mapping[str, str] | None = None,  # noqa: A002 (as the command's flag)
    time_format: str | None = None,
    no_time: bool = False,
    decimal: str = ".",
    times: Said | None = None,
    only_used_items: bool = False,
    keep_unknown_items: bool = False,
    force: bool = False,
) -> ImportedPlatform:
    """Write data frames as a platform folder; the rules are those of ``graft-client import csv``.

    Args:
        folder: the folder to make.
        events: a frame with user, item and time of each event, and where there are some rating and others, under any
            column names. A time is a date, a time, a text, seconds since 1970 or a smaller unit, or a number that only
            sorts a user's events.
        items: a frame with id and text of each item, and where there are some category, vector, published and others.
            None: the items are those of the events; where nothing there describes them, each one's text is its id.
        impressions: a frame with the columns user_id, timestamp, history, candidates and labels, or None.
        map: our column name to the frames': ``{"user_id": "Kunde", "text": "title+brand"}``; ours are user_id, item_id,
            timestamp, rating, text, category, published, and items.item_id where ``items`` calls it otherwise. None:
            columns are found by their names and values, and a note says which.
        time_format: how texts are times, in Python's directives, such as ``%d.%m.%Y %H:%M``. None: ISO 8601, or a date
            of which some rows can be read in one way alone.
        no_time: there are no times: the order of the rows counts.
        decimal: what stands before the fraction of a number that is a text: ``.`` or ``,``.
        times: what timestamps mean that are numbers: ``order``, ``seconds`` or ``day``. None: what they look like.
        only_used_items: leave out items that no event mentions.
        keep_unknown_items: go on where most items in the events are not described; the id of each is then its text.
        force: replace a platform folder that is there.

    Returns:
        The tables that were written, and ``notes`` on what was found, left out or made up.

    Raises:
        ConfigError: if an option makes no sense.
        DataError: if a table breaks the data contract, or the folder is taken; then nothing is written.
    """
    said = CsvMap(columns=dict(map or {}), time_format=time_format, no_time=no_time, decimal=decimal)

    def read(_source: object) -> ImportedPlatform:
        event_frame = as_frame(events, EVENTS)
        item_frame = None if items is None else as_frame(items, ITEMS)
        settings, proposed = with_proposed_map(event_frame, item_frame, said)
        frame, of_events = events_of(event_frame, settings, describes=item_frame is None)
        timed, of_times = _timed(frame, settings, times)
        described, of_items = (
            items_in(event_frame, settings, frame.schema["item_id"])
            if item_frame is None
            else items_of(item_frame, settings)
        )
        shown, of_shown = (None, ()) if impressions is None else impressions_of(impressions)
        require_sound(described, timed, shown)
        notes = (*proposed, *of_events, *of_items, *of_shown, *of_times)
        return ImportedPlatform(items=described, events=timed, impressions=shown, notes=notes)

    choices = ImportChoices(
        said=times, only_used=only_used_items, keep_unknown=keep_unknown_items or items is None, force=force
    )
    built = import_with(choices, read, (), Path(folder))
    return replace(built, notes=tuple(python_words(note) for note in built.notes))


def _timed(frame: pl.DataFrame, settings: CsvMap, times: Said | None) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The events with times in one unit, and notes; raises DataError for timestamps that tell nothing."""
    if settings.no_time:
        return frame, ("timestamps are positions in the frame",)
    name = settings.theirs("timestamp")
    clock = imported_times(
        frame["timestamp"], frame["user_id"], lambda row: f"{EVENTS}, row {row}: column {name}", times, WRITTEN_WAYS
    )
    return frame.with_columns(clock.values.alias("timestamp")), clock.notes
