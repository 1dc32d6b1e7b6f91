"""The head from round to round: a round stages its new head, and the next round's task commits it.

So a task that comes again, because its answer or the server was lost, finds the head that it found the first time,
and gives the same bytes.
"""

import hashlib

from client.data.platform import Platform
from client.recommender.head_store import StoredHead
from client.training.sequence_model import SequenceHead
from client.workspace import Workspace
from shared.encoder.encoder import Encoder
from shared.encoder.step import digest
from shared.messages import TrainTask

SEQUENCE_HEAD, STAGED_HEAD = "sequence", "sequence-staged"


def head_before(task: TrainTask, encoder: Encoder, workspace: Workspace) -> SequenceHead | None:
    """The head that this task's round starts from; what another task staged is committed first."""
    heads = workspace.heads
    staged = heads.read(STAGED_HEAD)
    if staged is not None and staged.facts.get("task") != _task_name(task, encoder):
        kept = {name: value for name, value in staged.facts.items() if name != "task"}
        heads.write(SEQUENCE_HEAD, StoredHead(arrays=staged.arrays, facts=kept))
    return _fitting(heads.read(SEQUENCE_HEAD), workspace.platform, encoder)


def stage_head(head: SequenceHead, task: TrainTask, encoder: Encoder, workspace: Workspace) -> None:
    """Keep what the task's round left, until the next task shows that the round is over."""
    facts = {**_head_facts(workspace.platform, encoder), "task": _task_name(task, encoder)}
    workspace.heads.write(STAGED_HEAD, StoredHead(arrays={"v": head.v, "a": head.a, "b": head.b}, facts=facts))


def newest_head(encoder: Encoder, workspace: Workspace) -> SequenceHead | None:
    """The platform's last head for encoders of this layout and this catalogue, or None where none fits."""
    newest = workspace.heads.read(STAGED_HEAD) or workspace.heads.read(SEQUENCE_HEAD)
    return _fitting(newest, workspace.platform, encoder)


def _fitting(stored: StoredHead | None, platform: Platform, encoder: Encoder) -> SequenceHead | None:
    if stored is None:
        return None
    expected = _head_facts(platform, encoder)
    if {name: stored.facts.get(name) for name in expected} != expected:
        return None
    return SequenceHead(v=stored.arrays["v"], a=stored.arrays["a"], b=stored.arrays["b"])


def _task_name(task: TrainTask, encoder: Encoder) -> str:
    return f"{task.run}/{task.round}/{digest(encoder)}"


def _head_facts(platform: Platform, encoder: Encoder) -> dict[str, str]:
    catalogue = hashlib.sha256("\0".join(platform.item_ids).encode("utf-8")).hexdigest()
    return {"layout": encoder.spec.layout().hash, "catalogue": catalogue}
