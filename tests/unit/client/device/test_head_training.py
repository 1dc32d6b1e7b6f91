"""A device's head learns from the device's own history, and lists by what it learnt."""

from dataclasses import replace

import numpy as np

from client.device.device_head import DeviceHead, loss_and_gradient
from client.device.device_lists import DeviceLists
from client.device.head_training import HeadSettings, learned_head, own_examples
from client.device.inventory import status
from client.device.opened_device import open_device
from client.device.own_history import OwnHistory
from client.device.own_records import history_of
from client.device.taken_packs import new_device, update
from client.recommender.served_head import served_ensembles
from client.scorers.scorer import HistoryBatch
from tests.unit.client.device.world import counted, write_pack
from tests.unit.client.recommender.served_world import drawn_encoder, served_world


def history(events: int = 9) -> OwnHistory:
    return OwnHistory(items=np.arange(3, 3 + events), times=np.full(events, np.nan))


def test_learns_to_expect_the_next_events(tmp_path):
    pack = write_pack(tmp_path / "a.pack")
    examples = own_examples(pack, history(), negatives=30)
    after = learned_head(pack, history(), HeadSettings(negatives=30))
    before = DeviceHead.initial(examples.states.shape[2], 2)
    assert loss_and_gradient(after, examples)[0] < loss_and_gradient(before, examples)[0]


def test_a_drawn_item_that_is_the_event_itself_does_not_count(tmp_path):
    examples = own_examples(write_pack(tmp_path / "a.pack"), history(), negatives=200)
    own = (examples.drawn[:, None] == examples.targets[:, :, None]).all(3)
    assert own.any()
    np.testing.assert_array_equal(own, np.isneginf(examples.drawn_offsets))


def test_states_and_vectors_are_those_of_the_encoder(tmp_path):
    served = counted(served_world())
    pack = write_pack(tmp_path / "a.pack", served)
    lists = DeviceLists(pack)
    vectors, biases = lists.head_items
    scores = lists.states(history().items)[-1] @ vectors.T + biases
    name = f"{pack.facts['head']}:sequence"
    scorer = next(
        scorer for scorer in served_ensembles(served).whole.ensemble.raw.scorers if scorer.columns[0].name == name
    )
    sequences = served.users.sequences
    one = type(sequences)(offsets=np.array([0, 9]), items=history().items.astype(np.int32))
    np.testing.assert_allclose(scores, scorer.score(HistoryBatch(one, 40))[0][0].numpy(), atol=0.02)


def test_nothing_is_learnt_of_few_events(tmp_path):
    assert learned_head(write_pack(tmp_path / "a.pack"), history(4)) is None


def test_a_device_lists_by_what_it_learnt_and_keeps_it(tmp_path):
    write_pack(tmp_path / "a.pack")
    new_device(tmp_path / "device", str(tmp_path / "a.pack"))
    device = open_device(tmp_path / "device")
    for event, item in enumerate(range(3, 12)):
        device.record(str(item), 1.7e9 + event)
    before = [(listed.item, listed.score) for listed in device.recommend(20)]
    assert device.learn()
    after = [(listed.item, listed.score) for listed in device.recommend(20)]
    assert after != before
    assert [(listed.item, listed.score) for listed in open_device(tmp_path / "device").recommend(20)] == after


def test_a_head_is_left_aside_where_a_pack_has_another_encoder(tmp_path):
    write_pack(tmp_path / "a.pack")
    new_device(tmp_path / "device", str(tmp_path / "a.pack"))
    device = open_device(tmp_path / "device")
    for event, item in enumerate(range(3, 12)):
        device.record(str(item), 1.7e9 + event)
    assert device.learn()
    served = served_world()
    own = replace(served.parts.own, kept=replace(served.parts.own.kept, encoder=drawn_encoder(9)))
    write_pack(tmp_path / "b.pack", replace(served, parts=replace(served.parts, own=own)), version=2)
    update(tmp_path / "device", str(tmp_path / "b.pack"))
    changed = open_device(tmp_path / "device")
    expected = DeviceLists(changed.pack).best(history_of(changed.events, changed.pack), 10)
    assert [listed.score for listed in changed.recommend(10)] == [listed.score for listed in expected]
    assert not status(tmp_path / "device")["head"]
