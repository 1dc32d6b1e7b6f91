"""What a manifest says of where an encoder comes from: the runs behind it, and what users were promised."""

from collections.abc import Iterable, Mapping
from typing import Any

from server.coordinator.home import ServerHome
from server.coordinator.run_book import Run, answered, declined
from server.rounds.known_ledgers import KnownLedgers
from shared.encoder.file import EncoderCard
from shared.federation.messages import BOTH
from shared.releases.manifest import PrivacyStatement, RoundSummary

MOST_ROUNDS = 1000
"""the newest questions that a manifest tells"""


def round_summaries(runs: Iterable[Run], last: int | None) -> tuple[RoundSummary, ...]:
    """The questions behind an encoder, by counts and means alone.

    Args:
        runs: the oldest first.
        last: number of the run that left it; None: no run did.

    Returns:
        Those of completed runs up to it, the oldest first; nothing where no run left it.
    """
    made_by = [run for run in runs if last is not None and run.number <= last and run.standing().state == "completed"]
    return tuple(_summary(run.number, record) for run in made_by for record in run.history())[-MOST_ROUNDS:]


def privacy_statement(home: ServerHome, card: EncoderCard) -> PrivacyStatement:
    """What users were promised by the encoder's card, and what they have spent by the coordinator's ledgers.

    Args:
        home: the coordinator's folder.
        card: of the encoder.

    Returns:
        The statement.

    Raises:
        CheckpointError: if a ledger is damaged.
    """
    known, names = KnownLedgers(home.ledgers), sorted(path.stem for path in home.ledgers.glob("*.json"))
    ledgers = [known.of(name) for name in names]
    spent = [ledger.entries[-1].epsilon for ledger in ledgers if ledger.entries]
    return PrivacyStatement(
        mechanism="gaussian" if card.privacy else "none",
        epsilon=card.privacy.get("epsilon"),
        delta=card.privacy.get("delta"),
        spent=max(spent, default=None),
        ledgers=len(ledgers),
    )


def _summary(run: int, record: Mapping[str, Any]) -> RoundSummary:
    levels = [parts[BOTH] for parts in record["validation"].values() if BOTH in parts]
    return RoundSummary(
        run=run,
        question=record["kind"],
        round=record["round"],
        platforms=answered(record),
        declined=declined(record),
        level=max(0.0, sum(levels) / len(levels)) if levels else None,
    )
