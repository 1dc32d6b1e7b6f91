"""Rounds whose updates are summed under masks, over the real apps in one process."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from client.rounds.own_party import OwnParty
from client.store.head_store import HeadStore
from server.rounds.checkpoints import Checkpoints
from server.rounds.kept_sums import SUMS_FILE, KeptSums, Reached
from shared.errors import CheckpointError
from shared.secure_sum.coordinator_state import CoordinatorState
from tests.federation_world import LOCAL, START, federate
from tests.masked_world import (
    SHOPS,
    STAGES,
    THREE,
    Killed,
    changed_by,
    killed_at,
    rounds,
    timeless,
    without,
)


@pytest.mark.parametrize("shops", [THREE, SHOPS], ids=["three", "four"])
def test_the_encoder_is_that_of_plain_rounds(tmp_path, shops) -> None:
    local = replace(LOCAL, encoder_rate=0.01)
    plain = federate(tmp_path / "plain", shops, rounds("plain", local=local))
    masked = federate(tmp_path / "masked", shops, rounds(local=local))
    assert [(entry["platforms"], entry["note"]) for entry in masked.history] == [(sorted(shops), "")] * 2
    assert np.abs(changed_by(plain.encoder)).max() > 0.03
    assert masked.encoder.flat == pytest.approx(plain.encoder.flat, abs=1e-5)


@pytest.mark.parametrize("aggregation", ["fedavgm", "fedadam"])
def test_an_aggregation_and_int8_deltas_down_go_on_as_in_plain_rounds(tmp_path, aggregation) -> None:
    changes = {"aggregation": aggregation, "server_learning_rate": 0.01, "downlink": "int8-delta"}
    plain = federate(tmp_path / "plain", THREE, rounds("plain", **changes))
    masked = federate(tmp_path / "masked", THREE, rounds(**changes))
    moved = changed_by(plain.encoder)
    assert np.abs(moved).max() > 0
    assert np.abs(moved - changed_by(masked.encoder)).max() < max(1e-4, 0.05 * np.abs(moved).max())


@pytest.mark.parametrize("stage", STAGES)
def test_a_round_goes_on_without_one_who_drops_out(tmp_path, stage) -> None:
    found = federate(tmp_path, SHOPS, rounds(), apps=without(stage, "shop1", SHOPS))
    first, second = found.history
    was_in = stage in ("agree", "open")
    assert first["note"] == ""
    assert first["platforms"] == sorted(set(SHOPS) - (set() if was_in else {"shop1"}))
    assert ("shop1" in first["dropped"]) == (not was_in)
    assert (second["note"], second["platforms"]) == ("", first["platforms"])


def test_a_round_without_enough_leaves_the_encoder_and_says_why(tmp_path) -> None:
    found = federate(tmp_path, THREE, rounds(rounds=1), apps=without("mask", "shop1"))
    assert found.encoder.flat.tobytes() == START.flat.tobytes()
    (entry,) = found.history
    assert "expected at least 3 of 3 parties that sent their vectors; found 2" in entry["note"]
    assert set(entry["dropped"]) == {"shop1"}


def test_a_failed_set_up_is_made_anew_in_the_next_round(tmp_path) -> None:
    found = federate(tmp_path, THREE, rounds(), apps=without("shares", "shop1"))
    assert "a set-up of sums ends without a result" in found.history[0]["note"]
    assert (found.history[1]["note"], len(found.history[1]["platforms"])) == ("", 3)


def ends_alike(folder: Path, undisturbed) -> None:
    found = federate(folder, THREE, rounds(), resume=True)
    assert found.encoder.flat.tobytes() == undisturbed.encoder.flat.tobytes()
    assert timeless(found.history) == timeless(undisturbed.history)


def test_a_run_ends_with_the_same_bytes_wherever_it_was_killed(tmp_path) -> None:
    undisturbed = federate(tmp_path / "undisturbed", THREE, rounds())
    for stage in range(2 + 3 + 3):
        place = 3 * stage + stage % 3
        folder = tmp_path / f"killed-{place}"
        with pytest.raises(Killed):
            federate(folder, THREE, rounds(), apps=killed_at(place), resume=True)
        ends_alike(folder, undisturbed)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("kind", [KeptSums, Checkpoints])
def test_a_run_ends_with_the_same_bytes_where_it_was_killed_as_it_wrote(tmp_path, monkeypatch, kind, before) -> None:
    undisturbed = federate(tmp_path / "undisturbed", THREE, rounds())
    method = "keep" if kind is KeptSums else "save"
    real = getattr(kind, method)
    for place in range(int(before), 8, 2) if kind is KeptSums else range(3):
        places = count()

        def written(*arguments, places=places, place=place) -> None:
            is_last = next(places) == place
            if not (is_last and before):
                real(*arguments)
            if is_last:
                raise Killed

        folder = tmp_path / f"killed-{place}"
        with monkeypatch.context() as patch:
            patch.setattr(kind, method, written)
            with pytest.raises(Killed):
                federate(folder, THREE, rounds(), resume=True)
        ends_alike(folder, undisturbed)


def kept(monkeypatch) -> list[CoordinatorState]:
    """All that is kept from here on."""
    states: list[CoordinatorState] = []
    real = KeptSums.keep

    def keep(self: KeptSums, reached: Reached) -> None:
        states.extend(CoordinatorState.from_bytes(state) for state in reached.states.values())
        real(self, reached)

    monkeypatch.setattr(KeptSums, "keep", keep)
    return states


def test_a_run_goes_on_in_the_stage_in_which_it_was_killed(tmp_path, monkeypatch) -> None:
    with pytest.raises(Killed):
        federate(tmp_path, THREE, rounds(), apps=killed_at(7), resume=True)
    states = kept(monkeypatch)
    federate(tmp_path, THREE, rounds(), resume=True)
    assert [one.stage for one in states] == [*STAGES[3:], *STAGES[2:]]


def test_no_share_of_a_secret_is_ever_on_the_coordinators_disk(tmp_path, monkeypatch) -> None:
    states = kept(monkeypatch)
    federate(tmp_path, THREE, rounds())
    assert [one.stage for one in states] == [*STAGES, *STAGES[2:]]
    assert not any(one.shares for one in states)


def test_what_another_run_left_is_not_gone_on_with(tmp_path) -> None:
    with pytest.raises(Killed):
        federate(tmp_path, THREE, rounds(), apps=killed_at(8))
    found = federate(tmp_path, THREE, rounds())
    assert [entry["note"] for entry in found.history] == ["", ""]


def test_names_a_damaged_file_of_sums(tmp_path) -> None:
    with pytest.raises(Killed):
        federate(tmp_path, THREE, rounds(), apps=killed_at(8))
    path = tmp_path / "server" / SUMS_FILE
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"sums\.safetensors: damaged"):
        federate(tmp_path, THREE, rounds(), resume=True)


def test_platforms_keep_one_key_over_runs(tmp_path) -> None:
    def keys() -> Mapping[str, bytes]:
        return {name: OwnParty(HeadStore(tmp_path / "heads" / name), name).member.key for name in THREE}

    federate(tmp_path, THREE, rounds(rounds=1))
    before = keys()
    federate(tmp_path, THREE, rounds(rounds=1))
    assert keys() == before
    assert len(set(before.values())) == 3
