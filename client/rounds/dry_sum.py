"""What a platform would send to a sum under one noise, beside parties that are made up and give nothing."""

import os

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.privacy.estimate import fewest_that_pay
from client.rounds.own_party import OwnParty
from client.rounds.sum_step import sum_reply
from client.rounds.workspace import Workspace
from shared.encoder.cross import CatalogueMoments
from shared.encoder.encoder import Encoder
from shared.errors import SumRefused
from shared.federation.private_parts import private_length
from shared.federation.sum_messages import SumReply, SumTask, SumWork
from shared.secure_sum.coordinator import Coordinator
from shared.secure_sum.noise_for_users import private_terms
from shared.secure_sum.party import Party
from shared.secure_sum.party_policy import PartyPolicy
from shared.secure_sum.roster import Member, Roster
from shared.secure_sum.streams import KEY
from shared.secure_sum.terms import SetupTerms

LEAST = 3
"""parties of which none sees another's vector"""


def dry_sum_task(run: str, encoder: Encoder, public: CatalogueMoments, workspace: Workspace) -> SumTask:
    """The question for a masked vector of cross moment and evaluation, among made-up parties.

    It is of a sum of as few platforms as may be, whose users are as many as it takes to pay. Keys and shares are in the
    workspace's heads when this returns.

    Args:
        run: name of the run, 32 hexadecimal digits.
        encoder: what is evaluated.
        public: moments of a public catalogue, by which the cross moment is whitened.
        workspace: the platform.

    Returns:
        the question.

    Raises:
        SumRefused: if the platform takes no part in such a sum.
    """
    own_party, promise = OwnParty(workspace.heads, workspace.platform.name), workspace.promise
    keys = {f"other-{number}": Ed25519PrivateKey.generate() for number in range(1, max(workspace.least_parties, LEAST))}
    others = [Member(name, key.public_key().public_bytes_raw()) for name, key in keys.items()]
    roster = Roster.of([own_party.member, *others])
    own_party.pin(roster)
    parties = {name: Party(name, key, PartyPolicy(roster)) for name, key in keys.items()}
    coordinator = Coordinator.of(roster, SetupTerms(sums=1, noised=True), os.urandom(KEY))
    while coordinator.stage in ("keys", "shares"):
        for name, message in coordinator.outgoing().items():
            if name in parties:
                coordinator.take(name, parties[name].answer(message, lambda terms: np.zeros(terms.length)))
            else:
                coordinator.take(name, _own_answer(SumTask.of(run, 0, message), workspace))
        coordinator.close()
    work = SumWork(
        run=run,
        round=0,
        seed=0,
        parts=("cross", "evaluate"),
        encoder=encoder,
        weights={member.party: 1.0 for member in roster.members},
        noise=promise.noise,
        public=public,
        users=fewest_that_pay(promise.noise, workspace.space.name) + 1,
    )
    bound, about = 2.0 * len(workspace.platform.training_users), bytes.fromhex(work.meaning)
    coordinator.begin(private_terms(private_length(work), bound, promise.noise, workspace.colluding, about))
    return SumTask.of(run, 0, coordinator.outgoing()[own_party.name], work)


def _own_answer(task: SumTask, workspace: Workspace) -> bytes:
    reply = sum_reply(task, workspace)
    if not isinstance(reply, SumReply):
        raise SumRefused(f"expected keys for a sum; found none: {reply.reason}")
    return reply.answer
