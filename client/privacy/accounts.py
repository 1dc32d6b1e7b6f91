"""Where accounts lie: in the platform's vault, and on this machine under the name of the data.

The vault's goes with the agent's folder into a backup and out of it again; the machine's does not, so a folder that was
restored, or made anew, finds what its users have spent. It goes by the data's place: a second agent on the same data
shares it. A file of its own, readable by its owner alone; users stand in it as digests.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from client.privacy.account import Account
from client.store.head_store import HeadStore
from shared.errors import PrivacyError, StorageError, os_error_as
from shared.privacy.ledger import now_text
from shared.system.file_lock import file_lock

RECORD = "privacy-account"


def machine_place(data: Path) -> Path:
    """The folder of this machine's account of the users in a platform folder or database."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    name = hashlib.sha256(str(data.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Path(state) / "graft" / "privacy" / name


class Accounts:
    """The account of one platform's users, wherever it lies."""

    def __init__(self, machine: Path | None, heads: HeadStore | None = None) -> None:
        """``machine`` is a folder, None for platforms whose users are not real; ``heads`` are in an agent's vault."""
        self._machine = machine
        stores = (None if machine is None else HeadStore(machine), heads)
        self._stores = tuple(store for store in stores if store is not None)

    def read(self) -> Account:
        """What stands now in all places together; raises PrivacyError."""
        return _together([_read(store) for store in self._stores])

    @contextmanager
    def changing(self) -> Iterator["OpenAccount"]:
        """The account under its lock; raises PrivacyError where it cannot be read or kept."""
        if self._machine is None:
            yield self._opened()
            return
        with os_error_as(PrivacyError, f"{self._machine}: the privacy account of this machine cannot be written"):
            self._machine.mkdir(parents=True, exist_ok=True, mode=0o700)
            with file_lock(self._machine / ".lock"):
                yield self._opened()

    def _opened(self) -> "OpenAccount":
        """Accounts that had parted are one from now on: joined at another time, they would be another ledger."""
        accounts = [_read(store) for store in self._stores]
        account = _together(accounts)
        if any(stored.ledger.state != account.ledger.state for stored in accounts):
            self._write(account)
        return OpenAccount(account, self._write)

    def _write(self, account: Account) -> None:
        """The machine's first: whatever happens then, what was spent is not forgotten."""
        for store in self._stores:
            store.write(RECORD, account.to_stored())


class OpenAccount:
    """An account that nobody else changes now."""

    def __init__(self, account: Account, write: Callable[[Account], None]) -> None:
        self.account, self._write = account, write

    def replace(self, account: Account) -> None:
        """Keep it; it is on the disk when this returns."""
        self._write(account)
        self.account = account


def _together(accounts: Sequence[Account]) -> Account:
    account = Account()
    for other in accounts:
        account = account.joined(other, now_text())
    return account


def _read(store: HeadStore) -> Account:
    try:
        stored = store.read(RECORD)
    except StorageError as error:
        raise PrivacyError(f"the privacy account cannot be read: {error}") from error
    return Account() if stored is None else Account.from_stored(stored)
