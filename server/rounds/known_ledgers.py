"""What platforms have released under noise to this coordinator: a ledger each, in files that are only replaced whole.

An answer says how far the platform's own ledger has come, and what it was where it was seen last. One that has gone
back, or does not go on from what was seen, is not taken: the platform was reset, restored from a backup, or runs twice,
and its users may have spent more than it knows.
"""

import json
from pathlib import Path

from server.rounds.known_heads import KnownHeads
from shared.errors import CheckpointError, PrivacyError, os_error_as
from shared.federation.messages import CrossReply
from shared.privacy.gaussian import weight_of
from shared.privacy.ledger import SEEN, Entry, Ledger, LedgerState, Release, SeenLedger, now_text
from shared.system.whole_file import write_whole


class KnownLedgers:
    """In a folder, a file each; without one nothing is known and nothing kept, as in simulations."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @property
    def heads(self) -> KnownHeads:
        """What platforms show of their ledgers with vectors that are summed."""
        return KnownHeads(self._folder)

    def of(self, platform: str) -> Ledger:
        """The coordinator's own ledger of a platform; raises CheckpointError where it is damaged."""
        path = self._path(platform)
        if path is None or not path.exists():
            return Ledger()
        try:
            return Ledger.from_json(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, PrivacyError) as error:
            raise CheckpointError(f"{path}: the ledger of what {platform} released is damaged") from error

    def objection(self, platform: str, reply: CrossReply) -> str:
        """Why an answer is not taken.

        Args:
            platform: whose answer it is.
            reply: the answer; it says how far the platform's own ledger has come.

        Returns:
            The reason in words; empty where nothing speaks against it.

        Raises:
            CheckpointError: if the coordinator's own ledger of the platform is damaged.
        """
        return reply.ledger.contradicts(self._seen_last(platform), reply.before)

    def seen(self, platform: str) -> SeenLedger:
        """What the platform is shown of its own ledger."""
        return self._seen_last(platform).seen

    def add(self, platform: str, reply: CrossReply, *, run: str, noise: float, delta: float) -> None:
        """Write down how far an answer shows the platform's ledger, and what it cost, where a release is new in it.

        A release is new where the answer bears more noise than before. Without a folder nothing is written.

        Args:
            platform: whose answer it is.
            reply: the answer.
            run: the id of the run.
            noise: what was asked for of one release: its spread, as a multiple of what one user can move the answer by.
            delta: δ at which ε is told.

        Raises:
            CheckpointError: if the coordinator's own ledger of the platform is damaged or cannot be written.
        """
        ledger, path = self.of(platform), self._path(platform)
        last = _last(ledger)
        if path is None or (last is not None and last.told == reply.ledger.head):
            return
        is_new = last is None or last.noise != reply.noise
        release = Release(
            time=now_text(),
            released="cross" if is_new else SEEN,
            run=run,
            round=reply.round,
            noise=reply.noise,
            delta=delta,
            told=reply.ledger.head,
            entries=reply.ledger.entries,
        )
        weight = (weight_of(noise) if is_new else 0.0) + (0.0 if last is None else last.weight)
        grown = ledger.with_release(release, weight)
        with os_error_as(CheckpointError, f"{path}: cannot be written"):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, json.dumps(grown.to_json(), indent=1).encode("utf-8"))

    def _seen_last(self, platform: str) -> LedgerState:
        last = _last(self.of(platform))
        return Ledger().state if last is None else LedgerState(entries=last.entries, head=last.told)

    def _path(self, platform: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{platform}.json"


def _last(ledger: Ledger) -> Entry | None:
    return ledger.entries[-1] if ledger.entries else None
