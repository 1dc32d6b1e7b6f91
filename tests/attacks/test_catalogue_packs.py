"""Packs and deltas that were changed, are signed by another key, are older, or lead on from elsewhere, are refused."""

import numpy as np
import pytest

from client.device import taken_packs
from client.device.opened_device import open_device
from client.device.pack import CataloguePack, content_of
from client.device.pack_delta import delta_content
from client.device.signed_file import DELTA, HEAD, PACK
from client.device.taken_packs import new_device, update
from shared.errors import PackRefused
from tests.unit.client.device.world import OTHER_KEY, PUBLIC, write_pack, write_signed


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    """Files of a first pack, of a second one, and of the delta between them."""
    folder = tmp_path_factory.mktemp("packs")
    first = write_pack(folder / "first.pack")
    second = write_pack(folder / "second.pack", version=2, least_users=2)
    write_signed(folder / "second.delta", delta_content(first, second), DELTA)
    return folder


def changed(path, place: int):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << (place % 8)
    path.write_bytes(content)
    return path


def places(size: int) -> list[int]:
    """All of the beginning, the last bytes, and some between."""
    drawn = np.random.default_rng(0).integers(size, size=150).tolist()
    return sorted({*range(0, HEAD + 40, 3), *range(size - 8, size), *drawn})


@pytest.mark.parametrize("name", ["first.pack", "second.delta"])
def test_one_bit_anywhere_is_noticed(packs, tmp_path, name):
    whole = (packs / name).read_bytes()
    new_device(tmp_path / "device", str(packs / "first.pack"), PUBLIC.hex())
    file = tmp_path / name
    for place in places(len(whole)):
        file.write_bytes(whole)
        with pytest.raises(PackRefused, match="expected"):
            update(tmp_path / "device", str(changed(file, place)))
    assert open_device(tmp_path / "device").pack.version == 1


@pytest.mark.parametrize("left", [0, 7, HEAD - 1, HEAD, HEAD + 9, -1])
def test_a_pack_that_was_cut_off_is_refused(packs, tmp_path, left):
    (tmp_path / "a.pack").write_bytes((packs / "first.pack").read_bytes()[:left])
    with pytest.raises(PackRefused, match="expected a catalogue pack"):
        new_device(tmp_path / "device", str(tmp_path / "a.pack"))
    assert not (tmp_path / "device").exists()


def test_a_pack_of_another_platform_is_refused(packs, tmp_path):
    write_pack(tmp_path / "other.pack", version=9, key=OTHER_KEY)
    with pytest.raises(PackRefused, match="signed by the platform's key"):
        new_device(tmp_path / "device", str(tmp_path / "other.pack"), PUBLIC.hex())
    new_device(tmp_path / "device", str(packs / "first.pack"))
    with pytest.raises(PackRefused, match="signed by the platform's key"):
        update(tmp_path / "device", str(tmp_path / "other.pack"))


def test_an_earlier_pack_is_refused(packs, tmp_path):
    new_device(tmp_path / "device", str(packs / "second.pack"))
    for name in ("first.pack", "second.pack"):
        with pytest.raises(PackRefused, match="expected a later version than 2"):
            update(tmp_path / "device", str(packs / name))


def test_an_earlier_pack_in_the_folder_is_refused(packs, tmp_path):
    device = tmp_path / "device"
    new_device(device, str(packs / "second.pack"))
    (device / "catalogue.pack").write_bytes((packs / "first.pack").read_bytes())
    with pytest.raises(PackRefused, match="expected version 2 of the pack"):
        open_device(device)


def test_a_delta_on_another_pack_is_refused(packs, tmp_path):
    write_pack(tmp_path / "third.pack", version=3)
    new_device(tmp_path / "device", str(tmp_path / "third.pack"))
    with pytest.raises(PackRefused, match=r"leads on from version 3.*found one from version 1"):
        update(tmp_path / "device", str(packs / "second.delta"))


def test_a_delta_that_leads_to_what_the_platform_never_signed_is_refused(packs, tmp_path):
    first, second = (CataloguePack.open(packs / f"{name}.pack") for name in ("first", "second"))
    other = CataloguePack(
        key=second.key,
        signature=second.signature,
        facts=second.facts,
        arrays={**second.arrays, "item.users": second.arrays["item.users"] + np.uint32(1)},
    )
    write_signed(tmp_path / "wrong.delta", delta_content(first, other), DELTA)
    new_device(tmp_path / "device", str(packs / "first.pack"))
    with pytest.raises(PackRefused, match="applied: expected a catalogue pack with its platform's signature"):
        update(tmp_path / "device", str(tmp_path / "wrong.delta"))


@pytest.mark.parametrize("kind", [PACK, DELTA])
def test_what_is_signed_and_no_pack_is_refused(packs, tmp_path, kind):
    new_device(tmp_path / "device", str(packs / "first.pack"))
    write_signed(tmp_path / "odd", content_of({"a": np.zeros(3)}, {"format": "other"}), kind)
    with pytest.raises(PackRefused, match="of the format graft-pack"):
        update(tmp_path / "device", str(tmp_path / "odd"))


def test_a_stopped_update_leaves_a_device_that_opens(packs, tmp_path, monkeypatch):
    device = tmp_path / "device"
    new_device(device, str(packs / "first.pack"))

    def stop(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(taken_packs.OwnRecords, "write_trust", stop)
    with pytest.raises(KeyboardInterrupt):
        update(device, str(packs / "second.delta"))
    assert open_device(device).pack.version == 2


@pytest.mark.parametrize("key", ["", "12", "zz" * 32, "ab" * 33])
def test_a_key_of_another_form_is_refused(packs, tmp_path, key):
    if key:
        with pytest.raises(PackRefused, match="64 hexadecimal digits"):
            new_device(tmp_path / "device", str(packs / "first.pack"), key)
    else:
        assert new_device(tmp_path / "device", str(packs / "first.pack"), key).key == PUBLIC
