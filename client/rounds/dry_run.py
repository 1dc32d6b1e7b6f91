"""A whole round on this platform with nothing sent: what would leave, to the byte, and how long it takes."""

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flwr.app import Array, RecordDict

from client.guard.egress_guard import EgressGuard
from client.guard.manifest import ExpectedReply
from client.guard.site_policy import SitePolicy, TaskKind
from client.rounds.dry_sum import dry_sum_task
from client.rounds.expected_reply import expected_reply_to
from client.rounds.private_release import cross_reply
from client.rounds.round_tasks import evaluate_reply, moments_reply, train_reply
from client.rounds.sum_step import sum_reply
from client.rounds.workspace import NodeSettings, Workspace, open_workspace
from shared.encoder.cross import CatalogueMoments
from shared.encoder.encoder import Encoder
from shared.encoder.file import EncoderCard, load_encoder
from shared.errors import OutboundRefused
from shared.federation.config import EVALUATIONS, LocalSettings
from shared.federation.message_kinds import Reply, Task
from shared.federation.messages import CrossTask, EvaluateTask, Failed, FailureCode, MomentsTask, TrainTask
from shared.federation.wire import content_bytes
from shared.privacy.ledger import Ledger

RUN = NONCE = "0" * 32
_WIDE = 60


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """What one answer of the round holds."""

    answer: str
    seconds: float
    size: int
    """in bytes"""
    values: dict[str, Any]
    """by record and name: shape and type of an array, anything else as it is"""

    def lines(self) -> list[str]:
        """For people; long texts are cut off."""
        lines = [f"{self.answer}: {self.size:,} bytes, after {self.seconds:.1f} seconds"]
        return lines + [f"  {name}: {_shown(value)}" for name, value in self.values.items()]

    def to_json(self) -> dict[str, Any]:
        """Plain values, nothing cut off."""
        return {"answer": self.answer, "seconds": self.seconds, "bytes": self.size, "values": self.values}


def dry_run(node: NodeSettings, encoder_file: Path, local: LocalSettings) -> list[Leaving]:
    """Answer one task of each kind that the site policy answers at all; nothing is sent.

    The heads on record are neither read nor changed, users spend nothing, and the ledger gets no line.

    Args:
        node: settings of the platform's app.
        encoder_file: the encoder that the tasks are about.
        local: settings of a local round; not used under a private policy.

    Returns:
        what each answer would hold, its size in bytes and the seconds that it took.

    Raises:
        ConfigError: if the settings or the policy would make the round fail.
        DataError: if the data would make the round fail.
        EncoderFileError: if the encoder's file would make the round fail.
    """
    encoder, card = load_encoder(encoder_file)
    egress_guard = EgressGuard.of(node.policy, "")
    with tempfile.TemporaryDirectory() as folder:
        apart = replace(node, heads=folder, vault_key="")
        workspace = replace(open_workspace(apart, egress_guard.policy), machine=None)
        policy = egress_guard.policy
        answers = _private(encoder, card, workspace, policy) if policy.is_private else _plain(encoder, local, workspace)
        return [_left(expected_reply_to(task.facts, workspace), answer, egress_guard) for task, answer in answers]


Answers = list[tuple[Task, Callable[[], Reply]]]


def _plain(encoder: Encoder, local: LocalSettings, workspace: Workspace) -> Answers:
    moments = MomentsTask(run=RUN, round=0, nonce=NONCE, feature_space=encoder.spec.feature_space)
    train = TrainTask(run=RUN, round=1, nonce=NONCE, seed=0, encoder=encoder, settings=local)
    evaluate = EvaluateTask(run=RUN, round=1, nonce=NONCE, seed=0, encoder=encoder)
    return [
        (moments, lambda: moments_reply(moments, workspace)),
        (train, lambda: train_reply(train, workspace)),
        (evaluate, lambda: evaluate_reply(evaluate, workspace)),
    ]


def _private(encoder: Encoder, card: EncoderCard, workspace: Workspace, policy: SitePolicy) -> Answers:
    """Of a run that asks for as much as the site policy allows; of a sum where it takes part in any."""
    space, noise = encoder.spec.feature_space, workspace.promise.noise
    public = card.catalogue or CatalogueMoments.none(space.dim)
    seen = Ledger().state.seen
    cross = CrossTask(run=RUN, round=0, nonce=NONCE, feature_space=space, public=public, noise=noise, seen=seen)
    each = math.sqrt(EVALUATIONS) * noise
    evaluate = EvaluateTask(run=RUN, round=0, nonce=NONCE, seed=0, encoder=encoder, noise=each)
    answers: Answers = [
        (cross, lambda: cross_reply(cross, workspace)),
        (evaluate, lambda: evaluate_reply(evaluate, workspace)),
    ]
    if policy.is_masked and TaskKind.SUM in policy.tasks and workspace.contributes:
        step = dry_sum_task(RUN, encoder, public, workspace)
        answers.append((step, lambda: sum_reply(step, workspace)))
    return answers


def _left(expected: ExpectedReply, answer: Callable[[], Reply], egress_guard: EgressGuard) -> Leaving:
    start = time.monotonic()
    try:
        content = egress_guard.let_out(egress_guard.turned_away(expected) or answer(), expected)
    except OutboundRefused:
        content = egress_guard.let_out(Failed(round=expected.round, code=FailureCode.REFUSED), expected)
    seconds = time.monotonic() - start
    return Leaving(answer=str(expected.task), seconds=seconds, size=content_bytes(content), values=_values(content))


def _values(content: RecordDict) -> dict[str, Any]:
    return {
        f"{record}.{name}": _array(value) if isinstance(value, Array) else value
        for record, fields in content.items()
        for name, value in fields.items()
    }


def _array(array: Array) -> str:
    return f"{array.dtype} {list(array.shape)}, {len(array.data):,} bytes"


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}… ({len(text)} characters)"
