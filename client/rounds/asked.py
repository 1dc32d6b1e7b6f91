"""What a platform may be about to answer, from the task and its opened data; the guard holds the answer to it."""

from client.data.data_moment import DataMoment
from client.guard.manifest import Asked
from client.guard.site_policy import TaskKind
from client.rounds.workspace import Workspace
from shared.federation.messages import TaskFacts


def asked_of(task: TaskFacts, workspace: Workspace) -> Asked:
    """The only answers that fit this task on this platform."""
    return Asked(
        task=TaskKind(task.kind),
        round=task.round,
        fingerprint=workspace.space.fingerprint,
        dim=workspace.space.dim,
        layout=task.layout,
        training_users=len(workspace.platform.training_users),
        catalogue=workspace.platform.n_items,
    )


def moment_of(task: TaskFacts, message: str) -> DataMoment:
    """As of when a platform's data are wanted for a task that came in this message.

    Moments are asked for where data may have grown; a round that is asked for again has the data that it had; what is
    evaluated is what was trained on.
    """
    moments = {"moments": f"moments/{message}", "train": f"{task.run}/{task.round}", "evaluate": ""}
    return DataMoment(task=moments[task.kind])
