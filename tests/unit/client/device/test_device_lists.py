"""A device's list is the platform's own, from a pack alone."""

import numpy as np
import pytest

from client.device.device_lists import DeviceLists
from client.device.own_history import OwnHistory
from client.recommender.recommender import ListQuery, Recommender
from tests.unit.client.device.world import counted, write_pack
from tests.unit.client.recommender.served_world import LAST, served_world

HISTORIES = {"none": [], "one": [7], "some": [3, 4, 5, 30], "again": [3, 4, 5, 30, 4], "long": list(range(35))}
KINDS = {
    "plain": {},
    "repeats": {"repeats": True, "timed": True},
    "timed": {"timed": True},
}


def own(items: list[int], *, timed: bool) -> OwnHistory:
    times = LAST - 3_600.0 * np.arange(len(items))[::-1] if timed else np.full(len(items), np.nan)
    return OwnHistory(items=np.array(items, np.int64), times=times)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("history", HISTORIES)
def test_is_the_platforms_own(tmp_path, kind, history):
    served = counted(served_world(**KINDS[kind]))
    timed = "timed" in KINDS[kind]
    past = own(HISTORIES[history], timed=timed)
    expected = Recommender.of(served).recommend(
        past.items.astype(np.int32), ListQuery(k=40, moment=LAST + 60), past.times if timed else None
    )
    found = DeviceLists(write_pack(tmp_path / "a.pack", served)).best(past, 40, LAST + 60)
    scores = {each.item: each.score for each in expected}
    assert {each.item for each in found} == set(scores)
    np.testing.assert_allclose([each.score for each in found], [scores[each.item] for each in found], atol=0.15)
    assert np.mean([each.item in {best.item for best in expected[:10]} for each in found[:10]]) >= 0.9


def test_says_which_columns_add_to_a_score(tmp_path):
    lists = DeviceLists(write_pack(tmp_path / "a.pack"))
    for listed in lists.best(own([3, 4, 5], timed=False), 5, reasons=True):
        assert sum(adds for _, adds in listed.columns) == pytest.approx(listed.score, abs=1e-3)
        assert list(listed.columns) == sorted(listed.columns, key=lambda part: -part[1])


def test_a_further_event_leads_to_the_list_of_the_whole_history(tmp_path):
    pack = write_pack(tmp_path / "a.pack")
    lists = DeviceLists(pack)
    for events in (2, 3, 5, 4):
        history = own([3, 9, 5, 30, 12][:events], timed=False)
        step, anew = lists.best(history, 10), DeviceLists(pack).best(history, 10)
        assert [each.item for each in step] == [each.item for each in anew]
        np.testing.assert_allclose([each.score for each in step], [each.score for each in anew], atol=1e-3)


def test_leaves_out_what_was_turned_down_and_what_was_met(tmp_path):
    lists = DeviceLists(write_pack(tmp_path / "a.pack"))
    history = OwnHistory(items=np.array([3, 4]), times=np.full(2, np.nan), turned_down=np.array([9, 10]))
    assert not {3, 4, 9, 10} & {each.item for each in lists.best(history, 40)}


def test_lists_what_was_met_again_where_nothing_else_is_left(tmp_path):
    lists = DeviceLists(write_pack(tmp_path / "a.pack"))
    everything = OwnHistory(items=np.arange(40), times=np.full(40, np.nan))
    assert len(lists.best(everything, 5)) == 5
