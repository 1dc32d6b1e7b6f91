from dataclasses import replace

import pytest

from server.coordinator.home import ServerSettings
from server.coordinator.run_book import RunBook
from server.releases.gate import GateVerdict, gate_verdict
from server.rounds.run_state import RoundRecord
from shared.errors import ConfigError
from tests.unit.server.engine.world import record
from tests.unit.server.releases.release_world import ReleaseWorld, judged, left_by
from tests.unit.shared.releases.release_samples import write_encoder


@pytest.fixture
def world(tmp_path) -> ReleaseWorld:
    return ReleaseWorld(tmp_path / "coordinator")


def verdict(world: ReleaseWorld, *records: RoundRecord, **tolerated: float) -> GateVerdict:
    """Of an encoder that a run with this history left."""
    world.new_encoder(*records)
    settings = replace(ServerSettings(), **tolerated)
    return gate_verdict(world.home.encoder.read_bytes(), RunBook(world.home.runs).runs(), settings)


def test_an_encoder_that_all_take_is_published(world):
    """One that lost a little is among them."""
    assert verdict(world, *judged(0.2, 0.09, 0.1)) == GateVerdict(run=1, accepted=3, declined=0, held="")


@pytest.mark.parametrize(
    ("scores", "declined", "reason"),
    [
        ((0.2, 0.3, 0.089), {}, "c lost 11 % of its NDCG@10, and 10 % are tolerated, in run 1"),
        ((0.2, 0.04, 0.05), {}, "b lost 60 % of its NDCG@10, and 10 % are tolerated; c lost 50 %"),
        ((0.2,), {"x": "site-policy"}, "1 of 2 platforms declined it, and 34 % are tolerated, in run 1"),
        ((0.2,), {"x": "site-policy", "y": "privacy"}, "2 of 3 platforms declined it"),
        ((0.05,), {"x": "site-policy"}, "1 of 2 platforms declined it, and 34 % are tolerated; a lost 50 %"),
    ],
)
def test_an_encoder_is_held_with_the_reason(world, scores, declined, reason):
    assert verdict(world, *judged(*scores, declined=declined)).held.startswith(reason)


def test_what_is_tolerated_is_set(world):
    records = judged(0.2, 0.05, declined={"x": "site-policy"})
    loose = {"release_tolerated_loss": 0.5, "release_tolerated_declined": 1 / 3}
    assert verdict(world, *records, **loose) == GateVerdict(run=1, accepted=2, declined=1, held="")
    assert "lost 50 %" in verdict(world, *records, **{**loose, "release_tolerated_loss": 0.49}).held
    assert "declined it" in verdict(world, *records, **{**loose, "release_tolerated_declined": 0.33}).held


def test_each_platform_is_held_to_the_first_encoder_that_it_judged(world):
    """One that came later has no score of the start; groups of other members are not compared."""
    first = record("evaluate", 0, ("a",), validation={"a": {"both": 0.1}}, kept=True)
    later = record("evaluate", 1, ("a", "b"), validation={"a": {"both": 0.1}, "b": {"both": 0.5}}, kept=True)
    last = record("evaluate", 2, ("a", "b"), validation={"a": {"both": 0.1}, "b": {"both": 0.2}}, kept=True)
    assert verdict(world, first, later, last).held.startswith("b lost 60 %")
    groups = {"all": ("a", "b")}
    masked = record("evaluate", 0, ("a", "b"), validation={"all": {"both": 0.5}}, groups=groups, kept=True)
    others = record("evaluate", 1, ("a", "c"), validation={"all": {"both": 0.2}}, groups={"all": ("a", "c")}, kept=True)
    assert verdict(world, masked, others).held == ""
    assert verdict(world, masked, replace(others, groups=groups)).held.startswith("all lost 60 %")


def test_what_noise_may_have_done_is_no_loss(world):
    first, last = judged(0.08)
    assert verdict(world, first, last).held.startswith("a lost 20 %")
    assert verdict(world, first, replace(last, spread={"a": 0.006})).held == ""


def test_the_kept_round_counts(world):
    """Not a later one whose encoder the run has passed over."""
    first, last = judged(0.2)
    worse = record("evaluate", 3, ("a",), validation={"a": {"both": 0.01}}, kept=False)
    assert verdict(world, first, last, worse).held == ""


@pytest.mark.parametrize(("declined", "held"), [(0, ""), (60, "60 of 100 platforms declined it")])
def test_of_a_cohort_there_are_counts_alone(world, declined, held):
    """Two cohorts are of other devices, so a score that fell is none's loss."""
    counts = {"asked": 120, "reply": 40, "declined": declined}
    lines = [
        record("evaluate", number, (), validation={"all": {"both": score}}, counts=counts, kept=True)
        for number, score in enumerate((0.2, 0.1))
    ]
    outcome = verdict(world, *lines)
    assert (outcome.accepted, outcome.declined) == (40, declined)
    assert outcome.held.startswith(held)
    assert bool(outcome.held) == bool(held)


def test_the_members_of_a_group_lose_as_one(world):
    groups = {"first": ("a", "b", "c"), "second": ("d", "e", "f")}
    names = ("a", "b", "c", "d", "e", "f")
    start, last = (
        record("evaluate", number, names, validation=scores, groups=groups, kept=True)
        for number, scores in enumerate(
            ({"first": {"both": 0.1}, "second": {"both": 0.1}}, {"first": {"both": 0.2}, "second": {"both": 0.05}})
        )
    )
    outcome = verdict(world, start, last)
    assert (outcome.accepted, outcome.declined) == (3, 3)
    assert outcome.held.startswith("second lost 50 %")


def test_an_encoder_that_nobody_judged_is_held(world):
    assert verdict(world, record("train", 1, ("a",))).held.endswith("run 1 left it, and nobody evaluated it there")
    write_encoder(world.home.encoder, 99)
    with pytest.raises(ConfigError, match="the release is held: no platform has judged it: no completed run left it"):
        world.publish()
    left_by(world.home, *judged(), state="failed")
    with pytest.raises(ConfigError, match="no completed run left it"):
        world.publish()
    assert not world.repository.exists


def test_it_is_published_despite_the_gate_with_the_reason(world):
    write_encoder(world.home.encoder, 99)
    manifest = world.publish(despite="the first one, for a trial").manifest
    assert (manifest.despite, manifest.accepted, manifest.declined) == ("the first one, for a trial", 0, 0)
    world.new_encoder()
    assert world.publish(despite="no need").manifest.despite == ""
