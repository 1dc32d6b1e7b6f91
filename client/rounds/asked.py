"""What a platform may be about to answer, from the task and its opened data; the guard holds the answer to it."""

from client.data.data_moment import DataMoment
from client.guard.manifest import Asked
from client.guard.site_policy import TaskKind
from client.rounds.workspace import Workspace
from shared.federation.messages import EvaluateTask, MomentsTask, Task, TrainTask
from shared.federation.updates import update_layout

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
        layout=update_layout(task.encoder.spec, task.settings) if isinstance(task, TrainTask) else None,
        training_users=len(workspace.platform.training_users),
        catalogue=workspace.platform.n_items,
    )


def moment_of(task: Task, message: str) -> DataMoment:
    """As of when a platform's data are wanted for a task that came in this message.

    Moments are asked for where data may have grown; a round that is asked for again has the data that it had; what is
    evaluated is what was trained on.
    """
    if isinstance(task, EvaluateTask):
        return DataMoment(task="")
    return DataMoment(task=f"{task.run}/{task.round}" if isinstance(task, TrainTask) else f"moments/{message}")
