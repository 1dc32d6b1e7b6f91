"""What callers reported, as the rounds of a federation learn from it: as of a task, so that a task that comes again
finds what it found the first time."""

import json
from collections.abc import Sequence
from pathlib import Path

from client.data.data_moment import DataMoment
from client.serving.journal import JOURNAL
from client.serving.journal_lines import Entry
from client.serving.private_folder import private_folder
from client.serving.reported_events import ReportedEvents
from client.store.records import Records

RECORD = "reports-taken"
"""the record that says up to which entry of the journal the last task has gone"""


def reports_as_of(folder: Path, records: Records, moment: DataMoment, *, sealed: bool) -> ReportedEvents | None:
    """The journal of the service in this folder; None where it has never run.

    Who shall be forgotten is out at once, whatever a task found before. Raises JournalError or StorageError.
    """
    if not (folder / JOURNAL).exists():
        return None
    entries = private_folder(folder, records, sealed=sealed).reported()
    until = _until(records, moment, entries)
    return ReportedEvents(entries=[one for one in entries if one.number <= until or one.facts["kind"] == "forget"])


def _until(records: Records, moment: DataMoment, entries: Sequence[Entry]) -> int:
    """The number of the last entry that counts; kept for the task, where it is a new one."""
    kept = _kept(records)
    if kept is not None and moment.task in ("", kept[0]):
        return kept[1]
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
