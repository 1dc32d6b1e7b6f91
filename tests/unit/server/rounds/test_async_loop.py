"""Steps of a run over many that waits for nobody, over the real apps, in a world where each answer takes its time."""

import heapq
from dataclasses import replace

import numpy as np
import pytest

from client.app import client_app
from client.rounds.workspace import NodeSettings, already_open
from server.rounds.async_loop import mean_by_age
from server.rounds.cohort_loop import training_question
from server.rounds.run import run_rounds
from server.rounds.run_state import RunState
from shared.errors import ConfigError
from shared.federation.config import RoundsConfig
from simulations.devices.virtual_clock import VirtualClock
from simulations.federation.held_federation import quiet_engine
from simulations.federation.in_process_grid import InProcessGrid, Node, task_identity
from tests.federation_world import QUICK, START, opened
from tests.plain_policy import plain_policy

SHORT = replace(QUICK, head_epochs=0, steps=2)
SECONDS = {"a": 3.0, "b": 5.0, "c": 40.0}
"""until each answers"""
SHOPS = {name: opened(name, users=100, seed=seed) for seed, name in enumerate(SECONDS)}


class TimedGrid(InProcessGrid):
    """Replies come after so many seconds, by the name of who sends them; never from who is in none."""

    def __init__(self, nodes, time: VirtualClock, seconds) -> None:
        super().__init__(nodes, serialise=False)
        self._time, self._seconds, self._coming = time, seconds, []
        self.sent: list[tuple[float, str]] = []

    def push_messages(self, messages):
        sent = list(messages)
        identifiers = list(super().push_messages(sent))
        for message, identifier in zip(sent, identifiers, strict=True):
            name = self._names[message.metadata.dst_node_id]
            self.sent.append((self._time.seconds, name))
            if name in self._seconds:
                heapq.heappush(self._coming, (self._time.seconds + self._seconds[name], identifier))
        return identifiers

    def pull_messages(self, message_ids):
        asked, replies = set(message_ids), []
        while self._coming and self._coming[0][0] <= self._time.seconds:
            identifier = heapq.heappop(self._coming)[1]
            replies += super().pull_messages([identifier]) if identifier in asked else []
        return replies


def config(**changes) -> RoundsConfig:
    usual = {"rounds": 4, "cohort": 3, "buffer": 2, "moments": False, "robust": "none", "evaluate_every": 0}
    return RoundsConfig(**{**usual, "local": SHORT, "deadline_seconds": 100.0, **changes})


class World:
    """Three platforms, and a run over them in virtual time."""

    def __init__(self, folder, seconds=SECONDS) -> None:
        self.time = VirtualClock(0.0)
        nodes = {}
        folder.mkdir(exist_ok=True)
        policy = plain_policy(folder)
        for name, data in SHOPS.items():
            settings = NodeSettings(platform=f"{name}={folder}", heads=str(folder / name), policy=policy)
            nodes[name] = Node(app=client_app(already_open(data)), config=settings.to_node_config())
        self.grid = TimedGrid(nodes, self.time, seconds)

    def run(self, rounds_config, state=None, on_round=lambda _state: None) -> RunState:
        state = state or RunState(encoder=START, run="0" * 32)
        with task_identity(), quiet_engine():
            return run_rounds(self.grid, rounds_config, state, clock=self.time.clock, on_round=on_round)


def test_steps_wait_for_a_buffer_and_not_for_the_slow(tmp_path) -> None:
    found = World(tmp_path).run(config())
    assert [record.counts["reply"] for record in found.history] == [2, 2, 2, 2]
    assert sum(record.seconds for record in found.history) < SECONDS["c"]
    assert not np.array_equal(found.encoder.flat, START.flat)
    assert all(record.weights == {"cohort": 1.0} and not record.platforms for record in found.history)


def test_who_has_answered_gets_the_newest_encoder_once(tmp_path) -> None:
    world = World(tmp_path)
    world.run(config())
    assert [name for _, name in world.grid.sent].count("c") == 1
    assert [at for at, name in world.grid.sent if name == "a"] == [0.0, 5.0, 10.0, 15.0]


def test_an_update_of_an_encoder_too_old_is_dropped(tmp_path) -> None:
    late = {"a": 3.0, "b": 3.0, "c": 8.0}
    kept = World(tmp_path / "kept", late).run(config(most_stale=2))
    dropped = World(tmp_path / "dropped", late).run(config(most_stale=1))
    assert sum(record.counts.get("dropped", 0) for record in kept.history) == 0
    assert sum(record.counts.get("dropped", 0) for record in dropped.history) == 1


def test_a_step_ends_at_its_deadline_with_what_has_come(tmp_path) -> None:
    found = World(tmp_path, {"a": 3.0}).run(config(rounds=1, buffer=3, min_platforms=2))
    (record,) = found.history
    assert record.seconds == 100.0
    assert record.note == "the encoder is unchanged: 1 usable replies, at least 2 wanted"
    assert found.encoder.digest == START.digest


def test_who_never_answers_makes_way_after_the_deadline(tmp_path) -> None:
    world = World(tmp_path, {"a": 60.0, "b": 60.0})
    found = world.run(config(rounds=2, cohort=3, buffer=2))
    assert [record.counts.get("missing", 0) for record in found.history] == [0, 1]
    assert [at for at, name in world.grid.sent if name == "c"] == [0.0, 100.0]


def test_a_run_goes_on_from_its_last_state_in_another_world(tmp_path) -> None:
    states = []
    World(tmp_path / "one").run(config(rounds=2, learning_rate_decay=1.0), on_round=states.append)
    on = World(tmp_path / "two").run(config(learning_rate_decay=1.0), state=states[-1])
    assert (on.round, len(on.history)) == (4, 4)


@pytest.mark.parametrize("adapters", ["none", "shared:2"])
def test_an_update_counts_by_the_age_of_its_encoder(adapters) -> None:
    rounds_config = config(learning_rate_decay=1.0, local=replace(SHORT, adapters=adapters))
    sums, parts = {}, {}
    for age, number, total in ((3, 1, 3.0), (0, 4, 1.0)):
        state = RunState(encoder=START, run="0" * 32, round=number - 1)
        _question, update_sum = training_question(state, rounds_config)
        numbers = np.random.default_rng(number).normal(size=update_sum.form.grid(START.spec).size)
        update_sum.total, update_sum.count = total * numbers, 1
        sums[age], parts[age] = update_sum, update_sum.form.difference(START.spec, (total * numbers).astype(np.float32))
    assert mean_by_age(sums) == pytest.approx((parts[3] / 2 + parts[0]) / 2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"buffer": 4}, "buffer must be at most the cohort, 3; got 4"),
        ({"cohort": 0}, "buffer must be at most the cohort, 0; got 2"),
        ({"over_sampling": 1.3}, "over-sampling must be 1 beside a buffer; got 1.3"),
    ],
)
def test_refuses_what_does_not_go_with_a_buffer(changes, reason) -> None:
    with pytest.raises(ConfigError, match=reason):
        config(**changes)
