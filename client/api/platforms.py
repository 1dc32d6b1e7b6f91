"""Platform folders from data frames, and back."""

from pathlib import Path
from typing import Any

import polars as pl

from client.api.frame_tables import events_of, impressions_of, items_of, require_sound
from client.api.python_words import in_python_words
from client.data.contract import PlatformFolder
from client.data.folder_options import Said
from client.data.importers.imported import ImportedPlatform
from client.data.importers.imported_times import imported_times
from client.data.importers.table import ImportChoices, import_with
from client.data.source import read_platform_data
from client.data.spec import parse_folder

_WAYS = 'say times="order" if they only tell an order, times="seconds" if they are seconds since 1970'


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
    times: Said | None = None,
    only_used_items: bool = False,
    force: bool = False,
) -> ImportedPlatform:
    """Write data frames as a platform folder; the rules are those of ``graft-client import csv``.

    Args:
        folder: the folder to make.
        events: a frame with the columns user_id, item_id and timestamp, and where there are some rating and others. A
            timestamp is a date, a time, a text in ISO 8601, seconds since 1970, or a number that only sorts a user's
            events.
        items: a frame with the columns item_id and text, and where there are some category, vector, published and
            others. None: the items are those of the events, and each one's text is its id.
        impressions: a frame with the columns user_id, timestamp, history, candidates and labels, or None.
        times: what timestamps mean that are numbers: ``order``, ``seconds`` or ``day``. None: what they look like.
        only_used_items: leave out items that no event mentions.
        force: replace a platform folder that is there.

    Returns:
        The tables that were written, and ``notes`` on what was left out or made up.

    Raises:
        DataError: if a table breaks the data contract, or the folder is taken; then nothing is written.
    """

    def read(_source: object) -> ImportedPlatform:
        frame, of_events = events_of(events)
        clock = imported_times(frame["timestamp"], frame["user_id"], lambda row: f"events, row {row}", times, _WAYS)
        timed = frame.with_columns(clock.values.alias("timestamp"))
        named = pl.DataFrame({"item_id": frame["item_id"].unique(maintain_order=True)})
        described, of_items = items_of(named.clear().with_columns(text=pl.lit("")) if items is None else items)
        shown, of_shown = (None, ()) if impressions is None else impressions_of(impressions)
        require_sound(described, timed, shown)
        notes = (*of_events, *of_items, *of_shown, *clock.notes)
        return ImportedPlatform(items=described, events=timed, impressions=shown, notes=notes)

    choices = ImportChoices(said=times, only_used=only_used_items, keep_unknown=items is None, force=force)
    return import_with(choices, read, (), Path(folder))
