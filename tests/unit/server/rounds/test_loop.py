"""The round loop, driven whole in one process."""

import json
from dataclasses import replace

import numpy as np
import pytest
from flwr.app import RecordDict
from flwr.clientapp import ClientApp

from client.data.platform import training_sequences
from client.features.prepared_platform import PreparedPlatform
from client.training.moments import platform_moments
from server.aggregation.server_optimiser import ServerOptimiser
from server.aggregation.size_classes import SizeClasses
from server.rounds.run import run_rounds
from server.rounds.run_state import RunState
from server.rounds.waiting import Clock
from shared.encoder.changes import change_grid
from shared.encoder.linear import solve_all
from shared.errors import FederationError
from shared.federation.config import RoundsConfig
from shared.federation.moment_cells import rounded_pairs
from shared.federation.updates import update_form
from simulations.federation.in_process_grid import InProcessGrid
from tests.federation_world import LOCAL, START, config, federate, opened, tampering
from tests.unit.client.training.world import N_ITEMS

PLATFORMS = {name: opened(name, seed=seed) for seed, name in enumerate("abc")}

WHOLE = change_grid(START.spec).layout
"""of an update that travels whole"""


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    return federate(tmp_path_factory.mktemp("once"), PLATFORMS)


def test_gives_the_same_bytes_on_the_same_seed(once, tmp_path) -> None:
    assert federate(tmp_path, PLATFORMS).encoder.flat.tobytes() == once.encoder.flat.tobytes()


def test_gives_other_bytes_on_another_seed(once, tmp_path) -> None:
    assert federate(tmp_path, PLATFORMS, config(seed=1)).encoder.flat.tobytes() != once.encoder.flat.tobytes()


def test_gives_the_same_bytes_with_and_without_serialisation_and_in_any_order_of_platforms(once, tmp_path) -> None:
    backwards = dict(reversed(PLATFORMS.items()))
    assert federate(tmp_path, backwards, serialise=False).encoder.flat.tobytes() == once.encoder.flat.tobytes()


def test_records_every_question_with_time_bytes_losses_and_validation(once) -> None:
    kinds = [(entry["kind"], entry["round"]) for entry in once.history]
    evaluated = [
        ("evaluate", 0),
        ("moments", 0),
        ("evaluate", 0),
        ("train", 1),
        ("evaluate", 1),
        ("train", 2),
        ("evaluate", 2),
    ]
    assert kinds == evaluated
    train = once.history[3]
    assert {name: set(losses) for name, losses in train["losses"].items()} == {
        name: {"head", "encoder"} for name in "abc"
    }
    assert train["bytes_down"] > 3 * START.flat.nbytes
    assert 3 * WHOLE.size * 2 < train["bytes_up"] < 3 * START.flat.nbytes
    assert set(once.history[2]["validation"]["a"]) == {"linear", "sequence", "both"}
    merged = once.rounds()
    assert [(entry["kind"], entry["number"]) for entry in merged] == [("moments", 0), ("training", 1), ("training", 2)]
    assert set(merged[1]["validation"]) == set("abc")


def test_solves_the_linear_part_of_the_encoder_users_pooled_events(once) -> None:
    pooled = {
        name: platform_moments(data.features, training_sequences(data.platform, data.platform.encoder_users))
        for name, data in PLATFORMS.items()
    }
    pairs = {name: rounded_pairs(moments.n) for name, moments in pooled.items()}
    counted = {name: moments.scaled(pairs[name] / moments.n) for name, moments in pooled.items()}
    expected = solve_all(SizeClasses().counted(counted), ridge=config().ridge)
    np.testing.assert_allclose(once.encoder.linear().W, expected.W, atol=1e-5)


def test_forgets_a_platform_whose_moments_are_left_out(once, tmp_path) -> None:
    kept = {name: moments for name, moments in once.moments.items() if name != "b"}
    without = federate(tmp_path, {name: PLATFORMS[name] for name in "ac"}, config(rounds=0))
    counted = SizeClasses().counted(kept)
    assert solve_all(counted, ridge=config().ridge).W.tobytes() == without.encoder.linear().W.tobytes()


class RuinsTheSecondRound:
    """An aggregation that is fine at first."""

    def __init__(self, rounds_config: RoundsConfig) -> None:
        self._inner = ServerOptimiser(rounds_config)

    def step(self, encoder, updates, *, round_number):
        flat = self._inner.step(encoder, updates, round_number=round_number)
        return flat if round_number == 1 else np.zeros_like(flat)

    def state(self):
        return self._inner.state()

    def restore(self, state) -> None:
        self._inner.restore(state)


def test_passes_over_an_encoder_with_which_platforms_do_clearly_worse(tmp_path) -> None:
    good = federate(tmp_path / "one-round", PLATFORMS, config(rounds=1, learning_rate_decay=1.0))
    ruined = config(rounds=3, learning_rate_decay=1.0)
    found = federate(tmp_path / "ruined", PLATFORMS, ruined, aggregation=RuinsTheSecondRound)
    assert [entry["kept"] for entry in found.rounds()] == [False, True, False, False]
    assert found.encoder.flat.tobytes() == good.encoder.flat.tobytes()


def test_judges_rounds_by_how_much_platforms_help_each_other(tmp_path) -> None:
    found = federate(tmp_path, PLATFORMS, config(weighting="similarity"))
    assert sum(entry["kept"] for entry in found.rounds()) == 1
    assert max(found.history[3]["weights"].values()) == 1.0


def on_another_ring(name: str) -> PreparedPlatform:
    """A platform whose users walk around the same items in another order: nothing it has learnt holds elsewhere."""
    found = opened(name, users=480)
    walks, order = found.platform.sequences, np.random.default_rng(0).permutation(N_ITEMS).astype(np.int32)
    return replace(found, platform=replace(found.platform, sequences=replace(walks, items=order[walks.items])))


def test_an_unrelated_platform_leaves_no_trace_under_similarity(tmp_path) -> None:
    beside = {**PLATFORMS, "unrelated": on_another_ring("unrelated")}
    alone = federate(tmp_path / "alone", PLATFORMS)
    weighed = federate(tmp_path / "weighed", beside, config(weighting="similarity"))
    alike = federate(tmp_path / "alike", beside)
    assert weighed.history[3]["weights"] == {"a": 1, "b": 1, "c": 1, "unrelated": 0}
    assert weighed.encoder.flat.tobytes() == alone.encoder.flat.tobytes()
    assert alike.encoder.flat.tobytes() != alone.encoder.flat.tobytes()


def test_leaves_the_encoder_where_only_a_stranger_trains(tmp_path) -> None:
    beside = {**PLATFORMS, "unrelated": on_another_ring("unrelated")}
    unreadable = {name: tampering(lambda _content: RecordDict()) for name in PLATFORMS}
    found = federate(tmp_path / "away", beside, config(weighting="similarity"), apps=unreadable)
    before = federate(tmp_path / "before", PLATFORMS, config(rounds=0))
    assert found.history[3]["weights"] == {"unrelated": 0}
    assert "no platform whose update has a weight" in found.history[3]["note"]
    assert found.encoder.flat.tobytes() == before.encoder.flat.tobytes()


def test_leaves_the_last_encoder_where_nothing_is_evaluated(tmp_path) -> None:
    blind = config(rounds=2, evaluate_every=0)
    found = federate(tmp_path, PLATFORMS, blind, aggregation=RuinsTheSecondRound)
    assert not found.encoder.flat.any()
    assert not any(entry["kept"] for entry in found.rounds())


def test_takes_a_platform_of_few_users_as_one_that_declines(tmp_path) -> None:
    found = federate(tmp_path, {**PLATFORMS, "tiny": opened("tiny", users=99)})
    assert [entry["declined"] for entry in found.history] == [{"tiny": "too-few-users"}] * 7
    assert [entry["failed"] for entry in found.history] == [{}] * 7


def test_goes_on_without_a_platform_that_never_replies(tmp_path) -> None:
    found = federate(tmp_path / "silent", PLATFORMS, silent=frozenset({"b"}))
    alone = federate(tmp_path / "alone", {name: PLATFORMS[name] for name in "ac"})
    assert [entry["missing"] for entry in found.history] == [["b"]] * 7
    assert found.encoder.flat.tobytes() == alone.encoder.flat.tobytes()


def test_leaves_the_encoder_where_fewer_than_the_minimum_reply(tmp_path) -> None:
    found = federate(tmp_path, PLATFORMS, config(min_platforms=3), silent=frozenset({"b"}))
    assert found.encoder.flat.tobytes() == START.flat.tobytes()
    assert all("2 usable replies, at least 3 wanted" in found.history[place]["note"] for place in (1, 3, 5))


def test_waits_for_platforms_no_longer_than_it_was_told() -> None:
    seconds = iter(range(100))
    slept: list[float] = []
    clock = Clock(now=lambda: next(seconds), sleep=slept.append)
    with pytest.raises(FederationError, match="at least 1 platforms online within 5 seconds; found none"):
        run_rounds(InProcessGrid({}), config(wait_seconds=5), RunState(encoder=START, run="0" * 32), clock=clock)
    assert 1 <= len(slept) <= 5


def test_goes_on_after_an_error_on_a_platform_whose_text_stays_there(tmp_path) -> None:
    damaged = tmp_path / "heads" / "b" / "sequence.head"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"secret text 7 of user-3")
    found = federate(tmp_path, PLATFORMS)
    assert [entry["failed"] for entry in found.history if entry["kind"] == "train"] == [{"b": "head-store"}] * 2
    assert found.encoder.flat.tobytes() != START.flat.tobytes()
    assert "secret" not in json.dumps(found.history)


def test_takes_the_engines_own_error_as_a_code(tmp_path) -> None:
    found = federate(tmp_path, PLATFORMS, apps={"b": ClientApp()})
    assert [entry["failed"] for entry in found.history] == [{"b": "engine-2"}] * 7
    assert "registered" not in json.dumps(found.history)


def test_keeps_heads_between_runs(once, tmp_path) -> None:
    first = federate(tmp_path, PLATFORMS)
    again = federate(tmp_path, PLATFORMS)
    assert first.encoder.flat.tobytes() == once.encoder.flat.tobytes()
    assert again.encoder.flat.tobytes() != first.encoder.flat.tobytes()


LOW_RANK = replace(LOCAL, adapters="lora:2")


def test_takes_low_rank_updates_of_a_fraction_of_the_bytes(once, tmp_path) -> None:
    found = federate(tmp_path, PLATFORMS, config(local=LOW_RANK))
    full, low = once.history[3], found.history[3]
    layout = update_form(LOW_RANK, 0).grid(START.spec).layout
    beside = full["bytes_up"] - 3 * 2 * WHOLE.size - 3 * len(WHOLE.to_json())
    assert low["platforms"] == ["a", "b", "c"]
    assert abs(low["bytes_up"] - 3 * layout.size - beside - 3 * len(layout.to_json())) < 3 * len(layout.to_json())
    assert low["bytes_down"] == pytest.approx(full["bytes_down"], rel=0.01)
    assert found.encoder.linear().W.tobytes() == once.encoder.linear().W.tobytes()


def test_adds_up_the_products_of_low_rank_updates_not_their_factors(tmp_path) -> None:
    one_round = config(rounds=1, moments=False, local=LOW_RANK)
    found = {
        names: federate(tmp_path / names, {name: PLATFORMS[name] for name in names}, one_round).encoder.flat
        for names in ("a", "b", "ab")
    }
    np.testing.assert_allclose(found["ab"], (found["a"] + found["b"]) / 2, atol=1e-6)
    assert np.abs(found["a"] - found["b"]).max() > 1e-3


def test_learns_from_low_rank_updates(tmp_path) -> None:
    found = federate(tmp_path, PLATFORMS, config(rounds=4, local=LOW_RANK))
    losses = [entry["losses"] for entry in found.history if entry["kind"] == "train"]
    assert all(losses[-1][name]["encoder"] < losses[0][name]["encoder"] for name in "abc")


def test_takes_updates_of_a_byte_a_number(once, tmp_path) -> None:
    found = federate(tmp_path, PLATFORMS, config(local=replace(LOCAL, updates="int8-delta")))
    beside = once.history[3]["bytes_up"] - 3 * 2 * WHOLE.size
    assert found.history[3]["bytes_up"] < 3 * START.flat.nbytes / 3 + beside
    assert found.history[3]["losses"] == once.history[3]["losses"]
    assert found.encoder.linear().W.tobytes() == once.encoder.linear().W.tobytes()
    moved = np.abs(once.encoder.flat - START.flat).max()
    assert 0 < np.abs(found.encoder.flat - once.encoder.flat).max() < moved / 10


BY_STEPS = config(rounds=3, downlink="int8-delta")


def down(found) -> list[int]:
    return [entry["bytes_down"] for entry in found.history]


def test_sends_steps_of_a_byte_a_number_to_platforms_that_hold_the_encoder_before(tmp_path) -> None:
    whole = federate(tmp_path / "whole", PLATFORMS, config(rounds=3))
    steps = federate(tmp_path / "steps", PLATFORMS, BY_STEPS)
    start, _moments, first, *rest = down(steps)
    assert start > 3 * START.flat.nbytes  # nobody holds anything yet
    assert first > 3 * START.flat.nbytes  # the linear part is another
    beside = down(whole)[2] - 3 * START.flat.nbytes
    trains, evaluations = rest[::2], rest[1::2]
    assert all(size < 1.2 * beside for size in trains)  # the encoder of the evaluation before: no number travels
    numbers = START.flat.size - 80
    assert all(3 * numbers < size < 3 * 1.5 * numbers + 1.5 * beside for size in evaluations)
    assert [len(entry["platforms"]) for entry in steps.history] == [3] * 9
    np.testing.assert_allclose(steps.encoder.flat, whole.encoder.flat, atol=2e-3)
    assert np.abs(steps.encoder.flat - START.flat).max() > 1e-2


def test_gives_the_same_bytes_by_steps_with_and_without_serialisation(tmp_path) -> None:
    one = federate(tmp_path / "one", PLATFORMS, BY_STEPS)
    two = federate(tmp_path / "two", PLATFORMS, BY_STEPS, serialise=False)
    assert one.encoder.flat.tobytes() == two.encoder.flat.tobytes()
    assert down(one) == down(two)


def test_sends_the_whole_encoder_again_to_a_platform_that_lost_it(tmp_path) -> None:
    def forgetful(real, message, context):
        for kept in (tmp_path / "heads" / "b").glob("received*"):
            kept.unlink()
        return real(message, context)

    found = federate(tmp_path, PLATFORMS, BY_STEPS, apps={"b": forgetful})
    lost = {"b": "encoder-unknown"}
    # it holds the encoder of an evaluation, loses it before training, and gets it whole for the next evaluation
    assert [entry["failed"] for entry in found.history] == [{}, {}, {}, lost, {}, lost, {}, lost, {}]


def test_tells_receivers_that_do_not_contribute_by_steps_too(tmp_path) -> None:
    few = {**PLATFORMS, "tiny": opened("tiny", users=99)}
    found = federate(tmp_path, few, BY_STEPS)
    assert [entry["declined"] for entry in found.history] == [{"tiny": "too-few-users"}] * 9
    assert max(down(found)[3::2]) < START.flat.nbytes


def test_takes_the_step_of_the_aggregation_that_it_is_given(tmp_path) -> None:
    class Still:
        def __init__(self, config: RoundsConfig) -> None:
            self.rounds = config.rounds

        def step(self, encoder, updates, *, round_number):
            assert [update.name for update in updates] == ["a", "b"]
            assert 1 <= round_number <= self.rounds
            return encoder

    result = federate(tmp_path, {"a": opened("a"), "b": opened("b")}, config(moments=False), aggregation=Still)
    np.testing.assert_array_equal(result.encoder.flat, START.flat)
