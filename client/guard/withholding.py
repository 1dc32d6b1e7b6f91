"""What the site policy switches off is left out of an answer before it is encoded; the guard then holds to it."""

from dataclasses import replace

from client.guard.site_policy import SitePolicy
from shared.federation.messages import Declined, EvaluateReply, Failed, FailureCode, MomentsReply, Reply, TrainReply


def withheld(reply: Reply, policy: SitePolicy) -> Reply:
    """The answer without what the policy does not tell."""
    if isinstance(reply, Declined) and not policy.tell_declined:
        return Failed(round=reply.round, code=FailureCode.REFUSED)
    if isinstance(reply, MomentsReply | TrainReply | EvaluateReply) and not policy.tell_users:
        reply = replace(reply, users=0)
    if isinstance(reply, TrainReply) and not policy.tell_losses:
        return replace(reply, losses={})
    if isinstance(reply, EvaluateReply) and not policy.tell_validation:
        return replace(reply, validation={})
    return reply
