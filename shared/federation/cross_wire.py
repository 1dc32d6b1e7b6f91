"""Tasks that ask for a cross moment under noise, and answers to them, to Flower records and back; reading is strict."""

from typing import Any

from flwr.app import RecordDict

from shared.encoder.cross import CatalogueMoments, side_of
from shared.encoder.encoder import unflatten
from shared.errors import WireError
from shared.federation.cross_cells import CrossGrid, public_layout
from shared.federation.messages import CrossReply, CrossTask
from shared.federation.wire_records import (
    ASKED,
    CROSS_MOMENT,
    FLAT,
    HEADER,
    PUBLIC,
    SIGNATURE,
    Header,
    array_record,
    arrays_of,
    header_record,
    layout_fields,
    space_text,
)
from shared.privacy.ledger import LedgerState, SeenLedger

_TASK: dict[str, type[Any]] = {**ASKED, "noise": float, "ledger-entries": int, "ledger-seal": str}
_REPLY: dict[str, type[Any]] = {
    "layout": str,
    "layout-hash": str,
    "fingerprint": str,
    "users": int,
    "dim": int,
    "noise": float,
    "ledger-entries": int,
    "ledger-head": str,
    "ledger-before": str,
}


def cross_task_records(task: CrossTask) -> RecordDict:
    """A task as records."""
    header = header_record(
        "cross-task",
        task.round,
        run=task.run,
        nonce=task.nonce,
        space=space_text(task.feature_space),
        noise=task.noise,
        ledger_entries=task.seen.entries,
        ledger_seal=task.seen.seal,
    )
    return RecordDict({HEADER: header, PUBLIC: array_record(flat=task.public.to_flat())})


def decode_cross_task(content: RecordDict) -> CrossTask:
    """Read a task that asks for a cross moment.

    Args:
        content: records of the message, as they came; its signature is not checked here.

    Returns:
        The task.

    Raises:
        WireError: if they are anything but such a task.
    """
    records = set(content) - {SIGNATURE}
    header = Header.read(content.get(HEADER), "cross-task", _TASK, records=records, beside={PUBLIC})
    space = header.space()
    return CrossTask(
        **header.question,
        feature_space=space,
        public=public_of(content, space.dim),
        noise=header.noise(),
        seen=SeenLedger(entries=header.number("ledger-entries"), seal=header.digest("ledger-seal")),
    )


def public_of(content: RecordDict, dim: int) -> CatalogueMoments:
    """Moments of a public catalogue.

    Args:
        content: records of a message, ``PUBLIC`` among them.
        dim: D, the dimensions that the moments must have.

    Returns:
        Mean and covariance.

    Raises:
        WireError: if the record does not hold moments in so many dimensions.
    """
    layout = public_layout(dim)
    public = unflatten(layout, arrays_of(content[PUBLIC], PUBLIC, {FLAT: layout.lies})[FLAT])
    return CatalogueMoments(mean=public["mean"], triangle=public["triangle"])


def cross_reply_records(reply: CrossReply) -> RecordDict:
    """An answer as records."""
    dim = side_of(len(reply.cells))
    header = header_record(
        "cross-reply",
        reply.round,
        dim=dim,
        noise=reply.noise,
        ledger_entries=reply.ledger.entries,
        ledger_head=reply.ledger.head,
        ledger_before=reply.before,
        fingerprint=reply.fingerprint,
        users=reply.users,
        **layout_fields(CrossGrid(dim=dim).layout),
    )
    return RecordDict({HEADER: header, CROSS_MOMENT: array_record(flat=reply.cells)})


def read_cross_reply(content: RecordDict) -> CrossReply:
    """Read a cross moment that answers a task.

    Args:
        content: records of the message, as they came.

    Returns:
        The answer.

    Raises:
        WireError: if they are anything else.
    """
    header = Header.read(content.get(HEADER), "cross-reply", _REPLY, records=set(content), beside={CROSS_MOMENT})
    dim, layout = header.number("dim", least=1), header.layout()
    if layout != CrossGrid(dim=dim).layout:
        raise WireError(f"the layout is not that of a cross moment in {dim} dimensions")
    return CrossReply(
        round=header.round,
        cells=arrays_of(content[CROSS_MOMENT], CROSS_MOMENT, {FLAT: layout.lies})[FLAT],
        noise=header.noise(),
        fingerprint=header.text("fingerprint"),
        users=header.users(),
        ledger=LedgerState(entries=header.number("ledger-entries", least=1), head=header.digest("ledger-head")),
        before=header.digest("ledger-before"),
    )
