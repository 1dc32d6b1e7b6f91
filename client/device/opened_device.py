"""A device at work: it records what its user does, and lists items on its own."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from client.data.feedback import FeedbackKind
from client.device.device_lists import DeviceLists
from client.device.head_training import learned_head
from client.device.home import DeviceHome
from client.device.own_records import OwnEvent, OwnRecords, history_of
from client.device.pack import CataloguePack
from shared.errors import ConfigError, DataError, PackRefused


@dataclass(frozen=True, kw_only=True)
class DeviceItem:
    """One item of a list."""

    item: str
    title: str
    score: float
    scorers: tuple[tuple[str, float], ...]
    """columns and what each adds to the score, the largest first; where reasons were asked for"""


class Device:
    """Opened; for one thread at a time."""

    def __init__(self, home: DeviceHome, records: OwnRecords, pack: CataloguePack) -> None:
        self.home, self.pack = home, pack
        self._records = records
        self._events = records.events()
        self._lists = DeviceLists(pack, records.head(pack.facts["encoder"]))

    @property
    def events(self) -> Sequence[OwnEvent]:
        """What the user did, in the order of times."""
        return self._events

    @property
    def basis(self) -> str:
        """What lists rest on: ``history``, or ``popularity`` where nothing is known."""
        return "history" if len(history_of(self._events, self.pack).items) else "popularity"

    def recommend(self, k: int = 10, *, reasons: bool = False) -> list[DeviceItem]:
        """List items for the user.

        Args:
            k: most items.
            reasons: whether to say what each scorer adds.

        Returns:
            The items, the best first.

        Raises:
            ConfigError: if ``k`` is below 1.
        """
        if k < 1:
            raise ConfigError(f"k must be 1 or more; got {k}")
        best = self._lists.best(history_of(self._events, self.pack), k, reasons=reasons)
        titles = self.pack.titles(np.array([listed.item for listed in best], np.int64))
        return [
            DeviceItem(item=self.pack.item_ids[listed.item], title=title, score=listed.score, scorers=listed.columns)
            for listed, title in zip(best, titles, strict=True)
        ]

    def record(self, item: str, at: float | None = None, kind: str = FeedbackKind.CLICKED) -> None:
        """Keep what the user did with an item.

        Args:
            item: its id.
            at: seconds since 1970; None for now.
            kind: a ``FeedbackKind``.

        Raises:
            DataError: if the catalogue has no such item.
            StorageError: if it cannot be kept.
        """
        if item not in self.pack.row_of_item:
            many = f"{len(self.pack.item_ids):,} items of version {self.pack.version} of the catalogue pack"
            raise DataError(f"expected one of the {many}; found no item of the id that was given")
        event = OwnEvent(item=item, time=time.time() if at is None else at, kind=FeedbackKind(kind))
        self._records.write_events([*self._events, event])
        self._events = self._records.events()

    def learn(self) -> bool:
        """Let the head learn from the history; whether it did: the pack may lack an encoder, the history events."""
        head = learned_head(self.pack, history_of(self._events, self.pack))
        if head is None:
            return False
        self._records.write_head(head, self.pack.facts["encoder"])
        self._lists = DeviceLists(self.pack, head)
        return True


def open_device(folder: Path | str) -> Device:
    """Open a device's folder.

    Args:
        folder: that ``graft-device init`` made.

    Returns:
        The device.

    Raises:
        ConfigError: if the folder is no device's, or its vault's key cannot be had.
        StorageError: if the vault does not open.
        PackRefused: if the pack is not the one that the device took.
    """
    home = DeviceHome.existing(Path(folder))
    records = home.records()
    return Device(home, records, own_pack(home, records))


def own_pack(home: DeviceHome, records: OwnRecords) -> CataloguePack:
    """The pack that the device took, or a later one, as after an update that was stopped.

    Args:
        home: the device's folder.
        records: what its vault holds.

    Returns:
        The pack.

    Raises:
        PackRefused: if an earlier one lies there, or one that was changed.
    """
    trust = records.trust()
    pack = CataloguePack.open(home.pack, bytes.fromhex(trust.key))
    if pack.version < trust.version or (pack.version == trust.version and pack.signature.hex() != trust.signature):
        expected = f"expected version {trust.version} of the pack, which this device took"
        raise PackRefused(f"{home.pack}: {expected}; found another one, version {pack.version}")
    return pack
