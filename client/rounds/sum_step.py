"""A platform's part in a step of a secure sum: it works where a vector is asked for, and seals before it answers."""

import numpy as np
from numpy.typing import NDArray

from client.guard.site_policy import FIRST_USE, INTRODUCED
from client.guard.sum_bounds import require_outweighed
from client.privacy.accounts import Accounts
from client.rounds.joined_device import JoinedDevice
from client.rounds.own_party import OwnParty
from client.rounds.workspace import Workspace
from shared.errors import NothingToSum, SumRefused
from shared.federation.messages import Declined, DeclineReason
from shared.federation.sum_messages import SumReply, SumTask
from shared.secure_sum.party_state import PartyState
from shared.secure_sum.setup_messages import SETUP, SetupRequest
from shared.secure_sum.sum_messages import MASK, OPEN, MaskRequest, OpenRequest
from shared.secure_sum.terms import SumTerms
from shared.system.utc_clock import utc_now


def sum_reply(task: SumTask, workspace: Workspace) -> SumReply | Declined:
    """Take a step of a secure sum; what the answer leads to is in the vault before it is given.

    A message that comes again gets the same bytes. A platform that does not contribute declines keys and vectors; a sum
    that its vector is in, it helps to open.

    Args:
        task: the coordinator's message, and the work where a vector is asked for.
        workspace: the platform.

    Returns:
        the answer, or a decline.

    Raises:
        WireError: if the message is none.
        SumRefused: if this platform does not take the step.
    """
    kind = task.message[0]
    if kind in (SETUP, MASK) and not workspace.contributes:
        return Declined(round=task.round, reason=DeclineReason.TOO_FEW_USERS)
    if kind == SETUP and workspace.is_private and not SetupRequest.from_bytes(task.message).terms.noised:
        return Declined(round=task.round, reason=DeclineReason.PRIVACY)
    own_party = OwnParty(workspace.heads, workspace.name, workspace.machine)
    if kind == SETUP:
        _introduced(task.introductions, own_party, workspace)
    party = own_party.party(workspace.least_parties, workspace.promise.noise, workspace.draw("sum", task.round, kind))
    if kind == OPEN:
        _note(OpenRequest.from_bytes(task.message), own_party, workspace)
    try:
        answer = party.answer(task.message, lambda terms: _vector(task, terms, workspace, party.parties))
    except NothingToSum as nothing:
        return Declined(round=task.round, reason=DeclineReason(str(nothing)))
    own_party.seal(party)
    ledger = Accounts(workspace.machine, workspace.heads).read().ledger.state.head if task.facts.noise else ""
    return SumReply(round=task.round, answer=answer, ledger=ledger)


def _introduced(introductions: bytes, own_party: OwnParty, workspace: Workspace) -> None:
    if workspace.parties == INTRODUCED:
        own_party.sum_with(introductions, utc_now())
    else:
        own_party.meet(introductions, utc_now(), first_use=workspace.parties == FIRST_USE)


def _vector(task: SumTask, terms: SumTerms, workspace: Workspace, parties: tuple[str, ...]) -> NDArray[np.float64]:
    """[P] what the work beside the message asks for, within bounds, where nobody weighs too much."""
    work = task.work
    if work is None or bytes.fromhex(work.meaning) != terms.about:
        raise SumRefused("expected the work that the sum's terms name beside a request for a vector; found another")
    if (work.noise > 0) != (terms.noise is not None):
        raise SumRefused("expected noise both in a sum's terms and in its work, or in neither; found it in one")
    if work.noise:
        from client.rounds.summed_release import SummedRelease

        return SummedRelease(plan=MaskRequest.from_bytes(task.message).plan, work=work, seen=task.seen).vector(
            workspace
        )
    require_outweighed(workspace.name, work.weights, parties, workspace.least_parties)
    if isinstance(workspace, JoinedDevice):
        from client.rounds.device_vectors import device_vector

        return device_vector(work, terms, workspace)
    from client.rounds.sum_vectors import sum_vector

    return sum_vector(work, terms, workspace)


def _note(request: OpenRequest, own_party: OwnParty, workspace: Workspace) -> None:
    """Write down how much noise is in the sum that this platform is asked to open, where it bears any."""
    state = PartyState.from_bytes(own_party.state)
    if state.plan is None or state.plan.digest != request.plan or state.plan.terms.noise is None:
        return
    from client.rounds.summed_release import note_opened

    _plan, setup, _secrets = state.of_sum(request.plan)
    note_opened(state.plan, len(setup.request.roster), len(state.survivors), workspace)
