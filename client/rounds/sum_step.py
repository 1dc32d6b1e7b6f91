"""A platform's part in a step of a secure sum: it works where a vector is asked for, and seals before it answers."""

import numpy as np
from numpy.typing import NDArray

from client.guard.sum_bounds import require_outweighed
from client.rounds.own_party import OwnParty
from client.rounds.sum_vectors import sum_vector
from client.rounds.workspace import Workspace
from shared.errors import SumRefused
from shared.federation.messages import Declined, DeclineReason, SumReply, SumTask
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
    party = own.party(workspace.least_parties)
    answer = party.answer(task.message, lambda terms: _vector(task, terms, workspace, party.parties))
    own.seal(party)
    return SumReply(round=task.round, answer=answer)


def _vector(task: SumTask, terms: SumTerms, workspace: Workspace, parties: tuple[str, ...]) -> NDArray[np.float64]:
    """[P] what the work beside the message asks for, within bounds, where nobody weighs too much."""
    work = task.work
    if work is None or bytes.fromhex(work.meaning) != terms.about:
        raise SumRefused("expected the work that the sum's terms name beside a request for a vector; found another")
    require_outweighed(workspace.platform.name, work.weights, parties, workspace.least_parties)
    return sum_vector(work, terms, workspace)
