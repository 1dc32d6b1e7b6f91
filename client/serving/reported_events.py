"""What callers reported, as events and items of the platform's folder: the next fit learns from them.

The rounds of a federation learn from them as of a task, so that a task that comes again finds what it found first.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from client.data.contract import PlatformFolder
from client.data.data_moment import DataMoment
from client.data.feedback import MET
from client.data.ids import as_ids_of
from client.data.published import PUBLISHED
from client.data.tables import TIME_KNOWN
from client.data.timed_tables import of_one_type
from client.recommender.catalogue_update import NewItem, keep_latest
from client.serving.journal import JOURNAL
from client.serving.journal_lines import Entry
from client.serving.private_folder import private_folder
from client.serving.requests import Feedback, item_from_json, pseudonym
from client.store.records import Records

_LOG = logging.getLogger("graft.client")
_REPORTED_TEXT = "their text, which is not the folder's; upsert them with the folder's text to serve that"
RECORD = "reports-taken"
"""the record that says up to which entry of the journal the last task has gone"""


@dataclass(frozen=True, kw_only=True)
class ReportedEvents:
    """A journal as the next fit takes it."""

    entries: Sequence[Entry]

    @property
    def until(self) -> int:
        """The number of the last entry; 0 where there is none."""
        return self.entries[-1].number if self.entries else 0

    def added_to(self, folder: PlatformFolder) -> PlatformFolder:
        """The folder with reported items, and with what users clicked, liked or purchased; without forgotten users.

        What is met counts as rated best. An id that is none of the folder's, or an event on an item that nobody knows,
        is left out; the log says how many.
        """
        grown = self._with_items(folder)
        events = self._without_forgotten(grown.events)
        reported = self._events(grown)
        return _with_events(replace(grown, events=events), reported) if len(reported) else replace(grown, events=events)

    def _with_items(self, folder: PlatformFolder) -> PlatformFolder:
        latest: dict[str, NewItem] = {}
        keep_latest(latest, [item_from_json(entry.facts) for entry in self.entries if entry.facts["kind"] == "item"])
        if not latest:
            return folder
        if PUBLISHED not in folder.items.columns and any(item.published is not None for item in latest.values()):
            folder = replace(folder, items=folder.items.with_columns(pl.lit(None, pl.Float64).alias(PUBLISHED)))
        items = _as_rows(list(latest.values()), folder)
        vectors = [item.vector for item in latest.values()]
        named = items["item_id"].is_not_null()
        fitting = pl.Series([folder.vectors is None or len(vector) == folder.vectors.shape[1] for vector in vectors])
        _tell(folder, ~named, f"items are left out: their id {_no_id(items, 'item_id')}")
        _tell(folder, named & ~fitting, "items are left out: their vector is of another length")
        items = items.filter(named & fitting).unique("item_id", keep="last", maintain_order=True)
        there = items.join(folder.items, on="item_id", suffix="_before")
        _tell(folder, there["text"] != there["text_before"], f"items keep {_REPORTED_TEXT}")
        new = items.join(folder.items, on="item_id", how="anti", maintain_order="left")
        texts = folder.items.update(items.drop("place"), on="item_id", how="left")
        whole = pl.concat([texts, new.drop("place")], how="diagonal")
        if folder.vectors is None:
            return replace(folder, items=whole)
        by_item = dict(zip(items["item_id"], [vectors[place] for place in items["place"]], strict=True))
        return replace(folder, items=whole, vectors=_with_vectors(folder.vectors, whole["item_id"], by_item))

    def _events(self, folder: PlatformFolder) -> pl.DataFrame:
        reports = [Feedback.from_json(dict(entry.facts)) for entry in self.entries if entry.facts["kind"] == "feedback"]
        met = [report for report in reports if report.kind in MET]
        schema = folder.events.schema
        best = folder.events["rating"].max()
        events = pl.DataFrame(
            {
                "user_id": _ids([report.user for report in met], folder.events, "user_id"),
                "item_id": _ids([report.item for report in met], folder.events, "item_id"),
                "timestamp": _times([report.time for report in met]),
                "rating": pl.Series([best] * len(met), dtype=schema["rating"]),
            }
        )
        named = events["user_id"].is_not_null()
        known = events["item_id"].is_in(folder.items["item_id"].implode()).fill_null(value=False)
        _tell(folder, ~named, f"events are left out: their user's id {_no_id(events, 'user_id')}")
        _tell(folder, named & ~known, "events are left out: they name an item that is not in the catalogue")
        return events.filter(named & known)

    def _without_forgotten(self, events: pl.DataFrame) -> pl.DataFrame:
        """Of the folder's own events; what a user does after they were forgotten is reported anew."""
        forgotten = {
            (entry.facts["who"], entry.facts["salt"]) for entry in self.entries if entry.facts["kind"] == "forget"
        }
        if not forgotten:
            return events
        salts = {salt for _, salt in forgotten}
        users = events["user_id"].unique()
        gone = [
            user
            for user, name in zip(users, users.cast(pl.String), strict=True)
            if any((pseudonym(name, salt), salt) in forgotten for salt in salts)
        ]
        return events.filter(~pl.col("user_id").is_in(gone))


def _as_rows(items: Sequence[NewItem], folder: PlatformFolder) -> pl.DataFrame:
    """Place among these, and the columns that the folder has too; null where none is reported of an optional one."""
    rows = pl.DataFrame(
        {
            "item_id": _ids([item.item_id for item in items], folder.items, "item_id"),
            "text": [item.text for item in items],
            "category": pl.Series([item.category or None for item in items], dtype=pl.String),
            PUBLISHED: pl.Series([item.published for item in items], dtype=pl.Float64),
        }
    )
    return rows.select([column for column in rows.columns if column in folder.items.columns]).with_row_index("place")


def _with_vectors(
    before: NDArray[np.float32], items: pl.Series, by_item: Mapping[Any, Sequence[float]]
) -> NDArray[np.float32]:
    """[items, D] ``before`` for the first of them, with the vectors that are given for some of all."""
    grown = np.zeros((len(items), before.shape[1]), np.float32)
    grown[: len(before)] = before
    for row, item in enumerate(items):
        if item in by_item:
            grown[row] = by_item[item]
    return grown


def _ids(texts: Sequence[str], table: pl.DataFrame, name: str) -> pl.Series:
    """As ids of a column of the folder; null where one is none."""
    return as_ids_of(table.schema[name], pl.Series(name, texts, dtype=pl.String))


def _no_id(table: pl.DataFrame, name: str) -> str:
    """Why a text is no id of a column."""
    whole = table.schema[name] == pl.Int64
    return "is no whole number, as those of the platform are" if whole else "stands for a missing value"


def _tell(folder: PlatformFolder, rows: pl.Series, what: str) -> None:
    """Log how many reports do not count, and why."""
    if rows.any():
        _LOG.warning("%s: %s reported %s", folder.path, f"{rows.sum():,}", what)


def _times(seconds: Sequence[float]) -> pl.Series:
    """Int64 where all are whole, else Float64: two events of one second stay in their order."""
    times = pl.Series(seconds, dtype=pl.Float64)
    return times.cast(pl.Int64) if bool((times == times.floor()).all()) else times


def _with_events(folder: PlatformFolder, reported: pl.DataFrame) -> PlatformFolder:
    """The folder with further events, all its times of one type."""
    known = pl.col(TIME_KNOWN).fill_null(value=True)
    events = pl.concat([folder.events, reported], how="diagonal_relaxed").with_columns(known)
    if folder.impressions is None:
        return replace(folder, events=events)
    times, shown = of_one_type(events["timestamp"], folder.impressions["timestamp"])
    impressions = folder.impressions.with_columns(shown.alias("timestamp"))
    return replace(folder, events=events.with_columns(times.alias("timestamp")), impressions=impressions)


def reports_as_of(folder: Path, records: Records, moment: DataMoment, *, sealed: bool) -> ReportedEvents | None:
    """The journal of the service in this folder, as far as a task is to see it.

    Who shall be forgotten is out at once, whatever a task found before.

    Args:
        folder: where the service keeps what is private.
        records: of the folder, opened.
        moment: the task; the same entries count for it each time that it asks.
        sealed: whether the records are those of a vault.

    Returns:
        What was reported; None where the service has never run.

    Raises:
        JournalError: if the journal is damaged or cannot be read.
        StorageError: if the records cannot be read or written.
    """
    if not (folder / JOURNAL).exists():
        return None
    entries = private_folder(folder, records, sealed=sealed).reported()
    until = _until(records, moment, entries)
    return ReportedEvents(
        entries=[entry for entry in entries if entry.number <= until or entry.facts["kind"] == "forget"]
    )


def _until(records: Records, moment: DataMoment, entries: Sequence[Entry]) -> int:
    """The number of the last entry that counts; kept for the task, where it is a new one."""
    stored = _kept(records)
    if stored is not None and moment.task in ("", stored[0]):
        return stored[1]
    until = entries[-1].number if entries else 0
    if moment.task:
        records.write(RECORD, json.dumps([moment.task, until]).encode("utf-8"))
    return until


def _kept(records: Records) -> tuple[str, int] | None:
    """None for anything but what was written here: a new task writes it anew."""
    try:
        task, until = json.loads(records.read(RECORD) or b"")
        return str(task), int(until)
    except (ValueError, TypeError):
        return None
