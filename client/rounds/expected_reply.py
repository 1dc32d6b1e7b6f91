"""The expected reply: which answers fit a task, as the guard sees it, and as of when data are wanted for it."""

from dataclasses import replace

from client.data.data_moment import DataMoment
from client.guard.manifest import ExpectedReply
from client.guard.site_policy import TaskKind
from client.rounds.device_workspace import DeviceWorkspace
from client.rounds.own_party import answer_bytes
from client.rounds.workspace import Workspace
from shared.federation.messages import TaskFacts


def expected_reply_to(task: TaskFacts, workspace: Workspace | DeviceWorkspace) -> ExpectedReply:
    """The only answers that fit a task on this platform or device.

    Args:
        task: what is asked.
        workspace: the platform or device; its data are opened where the task is about them.

    Returns:
        what the guard holds the answer to.

    Raises:
        WireError: if the message of a secure sum is none.
        SumRefused: if this party cannot be asked that message.
    """
    if task.is_without_data:
        step = ExpectedReply.unopened(TaskKind(task.kind), task.round)
        return replace(step, answer_bytes=_answer_bytes(task.step, workspace), is_without_data=True)
    return ExpectedReply(
        task=TaskKind(task.kind),
        round=task.round,
        fingerprint=workspace.space.fingerprint,
        dim=workspace.space.dim,
        grid=task.grid,
        training_users=workspace.users,
        catalogue=workspace.n_items,
        noise=task.noise,
        encoder=task.encoder,
        seal=task.seal,
        answer_bytes=_answer_bytes(task.step, workspace),
    )


def moment_of(task: TaskFacts, message: str) -> DataMoment:
    """As of when a platform's data are wanted for a task.

    Moments are asked for where data may have grown; a round that is asked for again has the data that it had; what is
    evaluated is what was trained on.

    Args:
        task: what is asked.
        message: in which the task came.

    Returns:
        the moment.
    """
    anew = f"{task.kind}/{message}"
    of_round = f"{task.run}/{task.round}"
    moments = {"moments": anew, "cross": anew, "train": of_round, "sum": of_round, "evaluate": ""}
    return DataMoment(task=moments[task.kind])


def _answer_bytes(step: bytes, workspace: Workspace | DeviceWorkspace) -> int:
    return answer_bytes(step, workspace) if isinstance(workspace, Workspace) else 0
