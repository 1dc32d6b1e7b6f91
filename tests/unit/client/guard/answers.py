"""Real answers of a small platform, as they are encoded, and what the guard knows of them beforehand."""

from datetime import UTC, datetime

import numpy as np

from client.guard.egress_guard import check
from client.guard.ledger import Passed
from client.guard.manifest import ExpectedReply
from client.guard.site_policy import SitePolicy, TaskKind
from shared.encoder.changes import change_grid
from shared.encoder.linear import Moments
from shared.federation.messages import EvaluateReply, MomentsReply, TrainReply
from shared.federation.wire import encode_reply
from tests.federation_world import START
from tests.unit.client.training.world import N_ITEMS, SPACE

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GRID = change_grid(START.spec)
CHANGE = GRID.nearest(np.linspace(-0.1, 0.2, int(GRID.lengths.sum())))


def asked(task: TaskKind = TaskKind.TRAIN, **changes) -> ExpectedReply:
    """A platform of 120 training users, in round 3."""
    known = {
        "task": task,
        "round": 3,
        "fingerprint": SPACE.fingerprint,
        "dim": SPACE.dim,
        "grid": GRID if task is TaskKind.TRAIN else None,
        "training_users": 120,
        "catalogue": N_ITEMS,
    }
    return ExpectedReply(**{**known, **changes})


def trained(**changes):
    """A training reply as records."""
    fields = {
        "round": 3,
        "flat": CHANGE,
        "layout": GRID.layout,
        "fingerprint": SPACE.fingerprint,
        "users": 128,
        "losses": {"head": 3.21, "encoder": 3.14},
    }
    return encode_reply(TrainReply(**{**fields, **changes}))


def moments(**changes):
    """A moments reply as records."""
    fields = {"round": 3, "moments": Moments.zero(SPACE.dim), "fingerprint": SPACE.fingerprint, "users": 128}
    return encode_reply(MomentsReply(**{**fields, **changes}))


def evaluated(**changes):
    """An evaluation reply as records."""
    fields = {"round": 3, "users": 32, "validation": {"linear": 0.041, "sequence": 0.1, "both": 0.0}}
    return encode_reply(EvaluateReply(**{**fields, **changes}))


def checked(content, task: TaskKind = TaskKind.TRAIN, policy: SitePolicy | None = None, now=NOON, **changes) -> Passed:
    """What the guard says of it."""
    return check(content, asked(task, **changes), policy or SitePolicy(privacy="plain"), now)
