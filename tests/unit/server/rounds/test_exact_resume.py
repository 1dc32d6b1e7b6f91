"""A run that was killed goes on and ends with the bytes of one that was not; all of it driven in one process."""

import json
from dataclasses import replace
from itertools import count

import pytest
from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from client.privacy.accounts import Accounts
from client.store.head_store import HeadStore
from server.rounds.checkpoints import CHECKPOINT_FILE, ENCODER_FILE, HISTORY_FILE
from shared.encoder.encoder import Encoder
from shared.errors import CheckpointError, ConfigError, FederationError
from shared.privacy.promise import Promise
from shared.system.array_file import array_digest, array_file, read_array_file
from tests.federation_world import QUICK, START, config, federate, opened

PLATFORMS = {name: opened(name, seed=seed) for seed, name in enumerate("ab")}
QUESTIONS = 7 * len(PLATFORMS)
"""evaluate, moments, evaluate, and train and evaluate of two rounds"""
UNEQUAL = ("seconds", "bytes_down", "bytes_up")


class Killed(BaseException):
    """The whole process ends; no handler of errors sees it."""


def killed_at(place: int) -> dict[str, ClientApp]:
    """Real platforms; the one that is asked at this place, counted over all, does its work, and its answer is lost."""
    places = count()

    def answer(real: ClientApp, message: Message, context: Context) -> Message:
        reply = real(message, context)
        if next(places) == place:
            raise Killed
        return reply

    return dict.fromkeys(PLATFORMS, answer)


def timeless(history) -> str:
    """A history without seconds and without bytes: who goes on sends whole encoders."""
    kept = [{name: value for name, value in entry.items() if name not in UNEQUAL} for entry in history]
    return json.dumps(kept, sort_keys=True)


def heads(folder) -> dict[str, bytes]:
    found = {}
    for name in PLATFORMS:
        stored = HeadStore(folder / "heads" / name).read("sequence-staged")
        assert stored is not None
        found[name] = b"".join(stored.arrays[part].tobytes() for part in ("v", "a", "b"))
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregation": "fedavgm"},
        {"aggregation": "fedadam", "server_learning_rate": 0.01},
        {"aggregation": "fedavgm", "downlink": "int8-delta"},
        {"local": replace(QUICK, updates="int8-delta"), "downlink": "int8-delta"},
    ],
    ids=["fedavgm", "fedadam", "int8 deltas", "int8 deltas both ways"],
)
def test_ends_with_the_same_bytes_wherever_it_was_killed(tmp_path, changes) -> None:
    rounds = config(**{"local": QUICK, **changes})
    undisturbed = federate(tmp_path / "undisturbed", PLATFORMS, rounds)
    assert undisturbed.encoder.flat.tobytes() != START.flat.tobytes()
    for place in range(QUESTIONS):
        folder = tmp_path / f"killed-{place}"
        with pytest.raises(Killed):
            federate(folder, PLATFORMS, rounds, apps=killed_at(place), resume=True)
        found = federate(folder, PLATFORMS, rounds, resume=True)
        assert found.encoder.flat.tobytes() == undisturbed.encoder.flat.tobytes()
        assert timeless(found.history) == timeless(undisturbed.history)
        assert heads(folder) == heads(tmp_path / "undisturbed")


def test_a_private_run_ends_with_the_same_bytes_and_charges_nobody_twice(tmp_path) -> None:
    shops = {name: opened(name, users=300, seed=seed) for seed, name in enumerate("ab")}
    rounds = config(privacy="private", epsilon=100.0)
    undisturbed = federate(tmp_path / "undisturbed", shops, rounds)
    assert undisturbed.encoder.spec.linear == "cross"
    assert not undisturbed.encoder.has_sequence
    for place in range(3 * len(shops)):
        folder = tmp_path / f"killed-{place}"
        with pytest.raises(Killed):
            federate(folder, shops, rounds, apps=killed_at(place), resume=True)
        found = federate(folder, shops, rounds, resume=True)
        assert found.encoder.flat.tobytes() == undisturbed.encoder.flat.tobytes()
        assert timeless(found.history) == timeless(undisturbed.history)
        for name in shops:
            account = Accounts(None, HeadStore(folder / "heads" / name)).read()
            assert account.most <= Promise(epsilon=100.0).budget * (1 + 1e-9)
            assert [entry.released for entry in account.ledger.entries] == ["evaluation", "cross", "evaluation"]


def test_a_finished_run_stays_as_it_is_and_asks_nobody(tmp_path) -> None:
    first = federate(tmp_path, PLATFORMS)
    again = federate(tmp_path, PLATFORMS, apps=killed_at(0), resume=True)
    assert again.encoder.flat.tobytes() == first.encoder.flat.tobytes()
    assert again.history == first.history


def test_makes_the_readable_files_again_from_the_checkpoint(tmp_path) -> None:
    first = federate(tmp_path, PLATFORMS)
    for name in (ENCODER_FILE, HISTORY_FILE):
        (tmp_path / "server" / name).unlink()
    again = federate(tmp_path, PLATFORMS, resume=True)
    assert again.encoder.flat.tobytes() == first.encoder.flat.tobytes()
    assert again.history == first.history
    assert {name: value.to_flat().tobytes() for name, value in again.moments.items()} == {
        name: value.to_flat().tobytes() for name, value in first.moments.items()
    }


def test_goes_on_with_a_checkpoint_that_has_former_names(tmp_path) -> None:
    rounds = config(server_learning_rate=0.5)
    first = federate(tmp_path, PLATFORMS, rounds)
    path = tmp_path / "server" / CHECKPOINT_FILE
    arrays, texts = read_array_file(path)
    facts = texts["facts"].replace("server-learning-rate", "server-rate")
    assert facts != texts["facts"]
    path.write_bytes(array_file(arrays, {**texts, "facts": facts, "digest": array_digest(arrays, facts)}))
    again = federate(tmp_path, PLATFORMS, rounds, apps=killed_at(0), resume=True)
    assert again.encoder.flat.tobytes() == first.encoder.flat.tobytes()


def test_a_new_run_from_the_same_encoder_goes_on_from_the_heads_of_the_last(tmp_path) -> None:
    one_round = config(rounds=1, moments=False)
    first = federate(tmp_path, PLATFORMS, one_round)
    again = federate(tmp_path, PLATFORMS, one_round)
    assert again.encoder.flat.tobytes() != first.encoder.flat.tobytes()


def test_refuses_to_go_on_with_another_config_or_another_encoder(tmp_path) -> None:
    federate(tmp_path, PLATFORMS)
    with pytest.raises(ConfigError, match="another config"):
        federate(tmp_path, PLATFORMS, config(seed=1), resume=True)
    other = Encoder.initial(START.spec, seed=2)
    with pytest.raises(ConfigError, match="another starting encoder"):
        federate(tmp_path, PLATFORMS, encoder=other, resume=True)


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_names_a_damaged_checkpoint_and_leaves_it(tmp_path, damage) -> None:
    federate(tmp_path, PLATFORMS)
    path = tmp_path / "server" / CHECKPOINT_FILE
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    damaged = bytes(content) if damage == "flipped" else bytes(content[: len(content) // 2])
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"not a whole checkpoint|damaged"):
        federate(tmp_path, PLATFORMS, resume=True)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("damage", ["gone", "flipped"])
def test_names_moments_that_are_gone_or_damaged(tmp_path, damage) -> None:
    federate(tmp_path, PLATFORMS)
    (path,) = (tmp_path / "server").glob("moments-*.safetensors")
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "flipped":
        content[-1] ^= 1
        path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match=r"missing or not whole|damaged"):
        federate(tmp_path, PLATFORMS, resume=True)


def test_keeps_the_moments_of_the_last_run_in_the_folder_alone(tmp_path) -> None:
    federate(tmp_path, PLATFORMS)
    federate(tmp_path, {**PLATFORMS, "c": opened("c", seed=7)})
    assert len(list((tmp_path / "server").glob("moments-*.safetensors"))) == 1
    assert set(federate(tmp_path, PLATFORMS, config(rounds=1, moments=False)).moments) == set()


def test_does_not_go_on_with_an_aggregation_whose_state_is_not_kept(tmp_path) -> None:
    class Mean:
        def __init__(self, config) -> None:
            self.rounds = config.rounds

        def step(self, encoder, updates, *, round_number):
            assert round_number <= self.rounds
            return encoder + sum(update.difference for update in updates).astype("float32") / len(updates)

    with pytest.raises(Killed):
        federate(tmp_path, PLATFORMS, apps=killed_at(QUESTIONS - 1), aggregation=Mean, resume=True)
    with pytest.raises(ConfigError, match="no state"):
        federate(tmp_path, PLATFORMS, aggregation=Mean, resume=True)


def test_asks_a_killed_platform_again_where_all_are_required(tmp_path) -> None:
    undisturbed = federate(tmp_path / "undisturbed", PLATFORMS)
    places = count()

    def dies_in_turn(real: ClientApp, message: Message, context: Context) -> Message:
        reply = real(message, context)
        if next(places) % 2 == 0:
            raise RuntimeError("the engine reports this as it does a process that ended")
        return reply

    all_required = config(require_all=True, min_platforms=2)
    found = federate(tmp_path / "required", PLATFORMS, all_required, apps={"b": dies_in_turn})
    assert next(places) == 2 * len(undisturbed.history)
    assert [entry["platforms"] for entry in found.history] == [["a", "b"]] * 7
    assert found.encoder.flat.tobytes() == undisturbed.encoder.flat.tobytes()


def test_ends_at_the_deadline_where_a_required_platform_stays_away_and_names_it(tmp_path) -> None:
    required = config(require_all=True, min_platforms=2, deadline_seconds=1.0)
    with pytest.raises(FederationError, match="every platform within 1 seconds; found none of b"):
        federate(tmp_path, PLATFORMS, required, silent=frozenset({"b"}), resume=True)
    found = federate(tmp_path, PLATFORMS, required, resume=True)
    assert found.encoder.flat.tobytes() == federate(tmp_path / "other", PLATFORMS).encoder.flat.tobytes()
