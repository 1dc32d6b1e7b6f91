"""The head from round to round: a round stages its new head, and the next round's task commits it.

So a task that comes again, because its answer or the server was lost, finds the head that it found the first time,
and gives the same bytes. A catalogue may change between rounds: what was learnt of an item goes with its id.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from client.data.platform import Platform
from client.rounds.workspace import Workspace
from client.store.head_store import StoredRecord
from client.training.sequence_model import SequenceHead
from shared.federation.messages import TaskFacts

SEQUENCE_HEAD, STAGED_HEAD = "sequence", "sequence-staged"
LEFT_OUT = "left-out"
"""Array beside a head: what low-rank updates of its run have left out until now."""


@dataclass(frozen=True, kw_only=True)
class RoundName:
    """Which round of which run, and on which encoder."""

    run: str
    round: int
    encoder: str
    """digest of the encoder that was received"""
    layout: str
    """hash of its layout"""

    @property
    def task(self) -> str:
        """The same for a task that comes again."""
        return f"{self.run}/{self.round}/{self.encoder}"


@dataclass(frozen=True, eq=False, kw_only=True)
class RoundStart:
    """What a round of a platform goes on from; None each where there is none."""

    head: SequenceHead | None
    left_out: NDArray[np.float32] | None
    """[S] what the low-rank update of the run's last round left out"""


def round_name(task: TaskFacts, layout: str) -> RoundName:
    """The name of a training task's round.

    Args:
        task: what is asked.
        layout: hash of the encoder's layout.

    Returns:
        run, round, encoder and layout.
    """
    return RoundName(run=task.run, round=task.round, encoder=task.encoder, layout=layout)


def round_start(name: RoundName, workspace: Workspace) -> RoundStart:
    """What a round starts from; what another task staged is committed first.

    Args:
        name: of the round.
        workspace: the platform.

    Returns:
        the head, and what low-rank updates have left out; None each where there is none that fits.
    """
    heads = workspace.heads
    staged = heads.read(STAGED_HEAD)
    if staged is not None and staged.facts.get("task") != name.task:
        facts = {key: value for key, value in staged.facts.items() if key != "task"}
        heads.write(SEQUENCE_HEAD, StoredRecord(arrays=staged.arrays, facts=facts))
    stored = heads.read(SEQUENCE_HEAD)
    return RoundStart(head=_fitting(stored, workspace.platform, name.layout), left_out=_left_out(stored, name))


def stage_head(
    head: SequenceHead, name: RoundName, workspace: Workspace, left_out: NDArray[np.float32] | None = None
) -> None:
    """Keep what the round left, until the next task shows that the round is over.

    Args:
        head: as the round trained it.
        name: of the round.
        workspace: the platform.
        left_out: [S] what the round's low-rank update left out; None where nothing was left out.
    """
    arrays: dict[str, NDArray[Any]] = {"v": head.v, "a": head.a, "b": head.b, "items": _item_keys(workspace.platform)}
    arrays |= {} if left_out is None else {LEFT_OUT: left_out}
    facts = {"layout": name.layout, "run": name.run, "task": name.task}
    workspace.heads.write(STAGED_HEAD, StoredRecord(arrays=arrays, facts=facts))


def newest_head(layout: str, workspace: Workspace) -> SequenceHead | None:
    """The platform's last head.

    Args:
        layout: hash of the layout of the encoders that it must fit.
        workspace: the platform.

    Returns:
        the head on the rows of today's catalogue, or None where none fits.
    """
    newest = workspace.heads.read(STAGED_HEAD) or workspace.heads.read(SEQUENCE_HEAD)
    return _fitting(newest, workspace.platform, layout)


def _fitting(stored: StoredRecord | None, platform: Platform, layout: str) -> SequenceHead | None:
    """The head on the rows of today's catalogue; new items have learnt nothing. None where no item is left."""
    if stored is None or stored.facts.get("layout") != layout or "items" not in stored.arrays:
        return None
    head = SequenceHead(v=stored.arrays["v"], a=stored.arrays["a"], b=stored.arrays["b"])
    before, now = stored.arrays["items"], _item_keys(platform)
    if np.array_equal(before, now):
        return head
    order = np.argsort(before)
    places = order[np.searchsorted(before, now, sorter=order).clip(max=len(before) - 1)]
    rows = np.where(before[places] == now, places, -1)
    return head.of_rows(rows) if (rows >= 0).any() else None


def _left_out(stored: StoredRecord | None, name: RoundName) -> NDArray[np.float32] | None:
    if stored is None or (stored.facts.get("layout"), stored.facts.get("run")) != (name.layout, name.run):
        return None
    return stored.arrays.get(LEFT_OUT)


def _item_keys(platform: Platform) -> NDArray[np.uint64]:
    """[n] a number for each item's id, from its hash: as good as unique, and as long for every id."""
    digests = [hashlib.blake2b(item.encode("utf-8"), digest_size=8).digest() for item in platform.item_ids]
    return np.frombuffer(b"".join(digests), np.uint64)
