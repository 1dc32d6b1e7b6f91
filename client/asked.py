"""What a platform may be about to answer, from the task and its opened data; the guard holds the answer to it."""

from client.guard.manifest import Asked
from client.guard.site_policy import TaskKind
from client.workspace import Workspace
from shared.encoder.adapters import AdapterSpec
from shared.encoder.layout import Layout
from shared.messages import EvaluateTask, MomentsTask, Task, TrainTask

KINDS: dict[type[Task], TaskKind] = {
    MomentsTask: TaskKind.MOMENTS,
    TrainTask: TaskKind.TRAIN,
    EvaluateTask: TaskKind.EVALUATE,
}


def asked_of(task: Task, workspace: Workspace) -> Asked:
    """The only answers that fit this task on this platform."""
    return Asked(
        task=KINDS[type(task)],
        round=task.round,
        fingerprint=workspace.space.fingerprint,
        dim=workspace.space.dim,
        layout=_layout(task) if isinstance(task, TrainTask) else None,
        training_users=len(workspace.platform.training_users),
        catalogue=workspace.platform.n_items,
    )


def _layout(task: TrainTask) -> Layout:
    spec = task.encoder.spec
    rank = task.settings.rank
    return AdapterSpec(encoder=spec, rank=rank).layout() if rank else spec.layout()
