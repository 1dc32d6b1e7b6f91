"""A data set that a table of forms describes: which files hold its events and items, and what their columns mean."""

from dataclasses import dataclass
from functools import partial

import polars as pl

from client.data.ids import same_form
from client.data.importers.form import Form
from client.data.importers.form_events import EventRows, numbered, read_file, timed_events
from client.data.importers.form_items import named_items, read_items
from client.data.importers.imported import (
    ImportedPlatform,
    first_filled,
    items_of_events,
    with_whole_ids,
    without_repeats,
)
from client.data.importers.source import Source, SourceFile
from client.data.importers.text_table import TextTable

_DESCRIBING = ("text", "title", "category")


@dataclass(frozen=True, kw_only=True)
class Described:
    """One data set."""

    summary: str
    """what it is and which files it needs, for the help"""
    events: tuple[Form, ...]
    """the forms of its events; at least one has to be there"""
    items: tuple[Form, ...] = ()
    """the forms of what describes items; where none is there, the events do, or an item's id is its text"""
    notes: tuple[str, ...] = ()
    """what a user should know of what was read"""
    counts_time: bool = True
    """whether its timestamps are numbers, of which the user can say what they mean"""

    def __call__(self, source: Source) -> ImportedPlatform:
        """Read it; raises DataError."""
        files = [(form, file) for form in self.events for file in source.all(*form.files, but=form.but)]
        if not files:
            source.some(*(pattern for form in self.events for pattern in form.files))
        events, items, notes = _read(files, source)
        forms = [form for form in self.items if source.all(*form.files, but=form.but)]
        if forms:
            items = read_items(forms, source)
        events, repeats = without_repeats(events) if "file" in events.columns else (events, ())
        items = items_of_events(events) if items is None else items
        whole = ImportedPlatform(items=items, events=events, notes=(*notes, *repeats, *self.notes))
        return with_whole_ids(whole)


def _read(
    files: list[tuple[Form, SourceFile]], source: Source
) -> tuple[pl.DataFrame, pl.DataFrame | None, tuple[str, ...]]:
    """The events, the items where the events describe them, and notes."""
    rows, seen = EventRows(), list[pl.DataFrame]()
    alike = len({id(form) for form, _ in files}) < len(files)  # copies of one file, which count once
    for number, (form, file) in enumerate(files):

        def take(table: TextTable, form: Form = form) -> None:
            if any(form.called(table, name) for name in _DESCRIBING):
                seen.append(named_items(table, form))

        read_file(rows, form, file, source, take=take, further=partial(numbered, number) if alike else None)
    events, notes = timed_events(rows, source.said, no_time=files[0][0].no_time)
    return events, _joined(seen) if seen else None, notes


def _joined(parts: list[pl.DataFrame]) -> pl.DataFrame:
    ids = same_form([part["item_id"] for part in parts])
    return first_filled(
        pl.concat(
            [part.with_columns(item_ids) for part, item_ids in zip(parts, ids, strict=True)], how="diagonal_relaxed"
        )
    )
