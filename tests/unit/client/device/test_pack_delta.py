"""A delta leads from one pack to the other, byte for byte, whatever joined, changed or left."""

from dataclasses import replace

import numpy as np
import pytest

from client.device.opened_device import open_device
from client.device.pack_delta import delta_content
from client.device.signed_file import DELTA
from client.device.taken_packs import new_device, update
from client.recommender.catalogue_update import NewItem, with_items
from tests.unit.client.device.world import write_pack, write_signed
from tests.unit.client.recommender.served_world import served_world


def carried_over(tmp_path, first, second):
    """The sizes of the delta and of the second pack, once a device has taken both."""
    new_device(tmp_path / "device", str(tmp_path / "first.pack"))
    write_signed(tmp_path / "a.delta", delta_content(first, second), DELTA)
    assert update(tmp_path / "device", str(tmp_path / "a.delta")).signature == second.signature
    assert (tmp_path / "device" / "catalogue.pack").read_bytes() == (tmp_path / "second.pack").read_bytes()
    return (tmp_path / "a.delta").stat().st_size, (tmp_path / "second.pack").stat().st_size


def test_counts_that_changed_are_a_small_delta(tmp_path):
    first = write_pack(tmp_path / "first.pack")
    delta, whole = carried_over(tmp_path, first, write_pack(tmp_path / "second.pack", version=2))
    assert delta < whole / 4


def test_items_that_joined(tmp_path):
    served = served_world()
    added = with_items(
        served, [NewItem(item_id="new", text="film of a new kind"), NewItem(item_id="a newer", text="film")]
    )
    carried_over(
        tmp_path, write_pack(tmp_path / "first.pack", served), write_pack(tmp_path / "second.pack", added, version=2)
    )
    assert "new" in open_device(tmp_path / "device").pack.row_of_item


def test_items_that_left(tmp_path):
    served = served_world()
    added = with_items(served, [NewItem(item_id="new", text="film of a new kind")])
    carried_over(
        tmp_path, write_pack(tmp_path / "first.pack", added), write_pack(tmp_path / "second.pack", served, version=2)
    )
    assert "new" not in open_device(tmp_path / "device").pack.row_of_item


def test_items_that_stand_elsewhere(tmp_path):
    served = served_world()
    ids = tuple(np.random.default_rng(0).permutation(np.array(served.items.item_ids)).tolist())
    moved = replace(served, items=replace(served.items, item_ids=ids))
    carried_over(
        tmp_path, write_pack(tmp_path / "first.pack", served), write_pack(tmp_path / "second.pack", moved, version=2)
    )


@pytest.mark.parametrize(("before", "after"), [(0, 5), (5, 0)])
def test_other_columns_and_another_bound(tmp_path, before, after):
    first = write_pack(tmp_path / "first.pack", served_world(timed=bool(before)), least_users=1 + before)
    second = write_pack(tmp_path / "second.pack", served_world(timed=bool(after)), least_users=1 + after, version=2)
    carried_over(tmp_path, first, second)
