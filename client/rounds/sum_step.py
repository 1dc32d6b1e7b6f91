"""A platform's part in a step of a secure sum: it trains where a vector is asked for, and seals before it answers."""

import numpy as np
from numpy.typing import NDArray

from client.guard.site_policy import FIRST_USE
from client.guard.sum_bounds import within_bounds
from client.guard.way_out import utc_now
from client.rounds.own_party import OwnParty
from client.rounds.round_tasks import train_reply
from client.rounds.workspace import Workspace
from shared.errors import SumRefused
from shared.federation.messages import Declined, DeclineReason, SumReply, SumTask
from shared.federation.updates import WHOLE
from shared.secure_sum.setup_messages import SETUP
from shared.secure_sum.sum_messages import MASK
from shared.secure_sum.terms import SumTerms


def sum_reply(task: SumTask, workspace: Workspace) -> SumReply | Declined:
    """The answer, once what it leads to is in the vault; a message that comes again gets the same bytes.

    A platform that does not contribute declines keys and vectors; a sum that its vector is in, it helps to open.
    Raises WireError for a message that is none, SumRefused for a step that this platform does not take.
    """
    if task.message[0] in (SETUP, MASK) and not workspace.contributes:
        return Declined(round=task.round, reason=DeclineReason.TOO_FEW_USERS)
    own = OwnParty(workspace.heads, workspace.platform.name)
    if task.message[0] == SETUP:
        own.meet(task.introductions, utc_now(), first_use=workspace.parties == FIRST_USE)
    party = own.party(workspace.least_parties)
    answer = party.answer(task.message, lambda terms: _update(task, terms, workspace))
    own.seal(party)
    return SumReply(round=task.round, answer=answer)


def _update(task: SumTask, terms: SumTerms, workspace: Workspace) -> NDArray[np.float64]:
    """[S] what training changes in the sequence part, within bounds."""
    work = task.work
    if work is None or bytes.fromhex(work.facts.meaning) != terms.about:
        raise SumRefused("expected the task that the sum's terms name beside a request for a vector; found another")
    if work.form is not WHOLE:
        raise SumRefused("expected a sum of whole updates; found a task that asks for adapters or steps")
    reply = train_reply(work, workspace)
    if isinstance(reply, Declined):
        raise SumRefused(f"expected an update to sum; found none: {reply.reason}")
    values = WHOLE.grid(work.encoder.spec).values(reply.flat).astype(np.float64)
    return within_bounds(values, work.settings.clip_norm, terms)
