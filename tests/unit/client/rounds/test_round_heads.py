"""A platform's head from round to round, and what becomes of it when the catalogue changes."""

from dataclasses import replace

import numpy as np
import pytest

from client.rounds.round_heads import RoundName, newest_head, round_start, stage_head
from client.rounds.workspace import Workspace
from client.store.head_store import HeadStore
from client.training.sequence_model import SequenceHead
from tests.federation_world import START, opened

DATA = opened("a")
WIDTH = START.spec.architecture.width
LAYOUT = START.spec.layout().hash


def workspace_of(folder, item_ids) -> Workspace:
    platform = replace(DATA.platform, item_ids=tuple(item_ids))
    heads = HeadStore(folder)
    return Workspace.on(prepared=replace(DATA, platform=platform), heads=heads)


def learnt() -> SequenceHead:
    rng = np.random.default_rng(0)
    n = DATA.platform.n_items
    v, a, b = rng.normal(size=(n, WIDTH)), rng.normal(size=n), rng.normal(size=n)
    return SequenceHead(v=v.astype(np.float32), a=a.astype(np.float32), b=b.astype(np.float32))


def named(number: int) -> RoundName:
    return RoundName(run="r", round=number, encoder=START.digest, layout=LAYOUT)


@pytest.fixture
def found(tmp_path):
    """Item ids to the head that a platform with this catalogue finds after a round with the ids of ``DATA``."""
    stage_head(learnt(), named(1), workspace_of(tmp_path, DATA.platform.item_ids))
    return lambda ids: newest_head(LAYOUT, workspace_of(tmp_path, ids))


def test_the_same_catalogue_finds_what_was_staged(found) -> None:
    assert np.array_equal(found(DATA.platform.item_ids).v, learnt().v)


def test_what_was_learnt_goes_with_the_item_where_the_catalogue_changes(found) -> None:
    ids = list(DATA.platform.item_ids)
    changed = ["new", *ids[:0:-1]]  # one is gone, one is new, the others stand elsewhere
    head, before = found(changed), learnt()
    assert np.array_equal(head.v[1:], before.v[:0:-1])
    assert np.array_equal(head.b[1:], before.b[:0:-1])
    assert (head.v[0] == 0).all()
    assert (head.a[0], head.b[0]) == (1, 0)


def test_another_catalogue_starts_anew(found) -> None:
    assert found([f"other-{item}" for item in DATA.platform.item_ids]) is None


def test_a_task_that_comes_again_starts_where_it_started(tmp_path) -> None:
    workspace = workspace_of(tmp_path, DATA.platform.item_ids)
    assert round_start(named(1), workspace).head is None
    stage_head(learnt(), named(1), workspace)
    assert round_start(named(1), workspace).head is None
    assert np.array_equal(round_start(named(2), workspace).head.v, learnt().v)


def test_what_an_update_left_out_waits_for_the_next_round_of_its_run(tmp_path) -> None:
    workspace, waiting = workspace_of(tmp_path, DATA.platform.item_ids), np.arange(5, dtype=np.float32)
    stage_head(learnt(), named(1), workspace, waiting)
    assert round_start(named(1), workspace).left_out is None  # that task again
    assert np.array_equal(round_start(named(2), workspace).left_out, waiting)
    assert round_start(replace(named(1), run="another"), workspace).left_out is None
    stage_head(learnt(), named(2), workspace)
    assert round_start(named(3), workspace).left_out is None
