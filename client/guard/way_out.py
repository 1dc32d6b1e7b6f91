"""The one way out of a platform: an answer is stripped, encoded, checked, written down, and only then handed over."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flwr.app import RecordDict

from client.guard.ledger import Ledger, LedgerLine
from client.guard.manifest import Asked
from client.guard.outbound_guard import Passed, check
from client.guard.site_policy import SitePolicy, read_policy
from client.guard.withholding import withheld
from shared.errors import OutboundRefused
from shared.federation.messages import Declined, Reply
from shared.federation.wire import encode_reply

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time that a ledger's lines bear."""
    return datetime.now(UTC)


class WayOut:
    """What a platform's answers go through."""

    def __init__(self, policy: SitePolicy, ledger: Ledger | None, clock: Clock = utc_now) -> None:
        self.policy = policy
        self._ledger, self._clock = ledger, clock

    @classmethod
    def of(cls, policy: str, ledger: str, clock: Clock = utc_now) -> "WayOut":
        """By the files' paths; empty ones stand for the default policy, and for no ledger. Raises ConfigError."""
        return cls(read_policy(policy), Ledger(Path(ledger)) if ledger else None, clock)

    def turned_away(self, asked: Asked) -> Declined | None:
        """The answer to a task that the policy does not let begin."""
        reason = self.policy.turns_away(asked.task, self._clock())
        return None if reason is None else Declined(round=asked.round, reason=reason)

    def let_out(self, reply: Reply, asked: Asked) -> RecordDict:
        """The encoded answer; raises OutboundRefused where it may not leave, LedgerError where it cannot be noted."""
        content = encode_reply(withheld(reply, self.policy))
        self._note(asked, self.checked(content, asked))
        return content

    def checked(self, content: RecordDict, asked: Asked) -> Passed:
        """What would leave; where nothing may, the ledger says so before OutboundRefused is raised."""
        now = self._clock()
        try:
            return check(content, asked, self.policy, now)
        except OutboundRefused as error:
            self._add(LedgerLine.kept(str(error), task=asked.task, round_number=asked.round, now=now))
            raise

    def _note(self, asked: Asked, passed: Passed) -> None:
        self._add(LedgerLine.left(passed, task=asked.task, round_number=asked.round, now=self._clock()))

    def _add(self, line: LedgerLine) -> None:
        if self._ledger is not None:
            self._ledger.add(line)
