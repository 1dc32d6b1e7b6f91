"""What a device keeps of its user, sealed in its vault: events, the head, whom it trusts, what it asked others for."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from client.data.feedback import MET, FeedbackKind
from client.device.device_head import DeviceHead
from client.device.own_history import OwnHistory
from client.device.pack import CataloguePack, content_of, read_content
from client.store.records import Records
from shared.errors import VaultError

_EVENTS, _HEAD, _TRUST, _ASKED = "events", "head", "trust", "asked"


@dataclass(frozen=True, kw_only=True)
class OwnEvent:
    """What the user did with an item."""

    item: str
    """its id"""
    time: float
    """seconds since 1970"""
    kind: str
    """a ``FeedbackKind``"""


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Whose packs the device takes, and which it has."""

    key: str
    """64 hexadecimal digits of the platform's public key"""
    version: int
    signature: str
    """of the pack that it has"""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A file that the device asked somebody for."""

    time: float
    """seconds since 1970"""
    address: str
    received: int
    """bytes that came"""


class OwnRecords:
    """Opened records; every method raises StorageError."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def events(self) -> list[OwnEvent]:
        """All of them, in the order of their times."""
        return [OwnEvent(**each) for each in self._read(_EVENTS, [])]

    def write_events(self, events: Sequence[OwnEvent]) -> None:
        """Replace them all."""
        ordered = sorted(events, key=lambda event: event.time)
        self._write(_EVENTS, [asdict(event) for event in ordered])

    def asked(self) -> list[Asked]:
        """What the device asked others for, the earliest first."""
        return [Asked(**each) for each in self._read(_ASKED, [])]

    def write_asked(self, asked: Sequence[Asked]) -> None:
        """Replace them all."""
        self._write(_ASKED, [asdict(each) for each in asked])

    def trust(self) -> Trust:
        """Whose packs the device takes."""
        stored = self._read(_TRUST, None)
        if stored is None:
            raise VaultError("the vault holds no platform's key: the device was not made to its end")
        return Trust(**stored)

    def write_trust(self, pack: CataloguePack) -> None:
        """Take this pack, and further ones of its signer alone."""
        self._write(_TRUST, asdict(Trust(key=pack.key.hex(), version=pack.version, signature=pack.signature.hex())))

    def head(self, encoder: str) -> DeviceHead | None:
        """The device's own beside the encoder of this digest; None where it has learnt none, or beside another one."""
        content = self._records.read(_HEAD)
        if content is None:
            return None
        arrays, facts = read_content(memoryview(content), "the head")
        return DeviceHead.from_arrays(arrays) if facts["encoder"] == encoder else None

    def write_head(self, head: DeviceHead, encoder: str) -> None:
        """Replace it.

        Args:
            head: the device's own.
            encoder: digest of the encoder that it is for.

        Raises:
            StorageError: if it cannot be written.
        """
        self._records.write(_HEAD, content_of(head.to_arrays(), {"encoder": encoder}))

    def names(self) -> tuple[str, ...]:
        """The records that there are."""
        return self._records.names()

    def _read(self, name: str, nothing: Any) -> Any:
        content = self._records.read(name)
        return nothing if content is None else json.loads(content)

    def _write(self, name: str, value: Any) -> None:
        self._records.write(name, json.dumps(value).encode("utf-8"))


def history_of(events: Sequence[OwnEvent], pack: CataloguePack) -> OwnHistory:
    """What events come to over a pack's catalogue; those on items that it lacks are passed over.

    Args:
        events: in the order of their times.
        pack: whose rows are meant.

    Returns:
        The history: each item once, where the platform's users meet none again.
    """
    known = [(pack.row_of_item[event.item], event) for event in events if event.item in pack.row_of_item]
    met = [(row, event.time) for row, event in known if FeedbackKind(event.kind) in MET]
    if not pack.facts["repeats"]:
        met = _last_of_each(met)
    said_last = {row: event.kind for row, event in known if event.kind != FeedbackKind.SHOWN}
    return OwnHistory(
        items=np.array([row for row, _ in met], np.int64),
        times=np.array([time for _, time in met], np.float64),
        turned_down=np.array([row for row, kind in said_last.items() if kind == FeedbackKind.DISLIKED], np.int64),
    )


def _last_of_each(met: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Rows and times, each row where it was met last."""
    last: dict[int, float] = {}
    for row, time in met:
        last.pop(row, None)
        last[row] = time
    return list(last.items())
