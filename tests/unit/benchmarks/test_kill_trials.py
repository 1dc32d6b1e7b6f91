from dataclasses import asdict

from benchmarks.kill_trials import table
from tests.integration.deployed.kill_trial import LATEST, LONGEST_AWAY, NAMES, TARGETS, Kill


def outcome(seed: int, *, same: bool) -> dict:
    return {
        "kill": asdict(Kill.drawn(seed)),
        "at_seconds": 12.0,
        "answered": 1,
        "processes": 5,
        "same_encoder": same,
        "same_heads": {"north": True, "south": same},
        "seconds": 99.0,
    }


def test_every_seed_gives_one_kill_and_the_targets_take_turns() -> None:
    kills = [Kill.drawn(seed) for seed in range(30)]
    assert kills == [Kill.drawn(seed) for seed in range(30)]
    assert [kill.target for kill in kills] == list(TARGETS) * 10
    assert {kill.victim for kill in kills} == set(NAMES)
    assert all(0 <= kill.moment < LATEST and 0 <= kill.away < LONGEST_AWAY for kill in kills)
    assert len({kill.moment for kill in kills}) == len(kills)


def test_the_table_counts_and_names_what_did_not_hold() -> None:
    shown = table([outcome(0, same=True), outcome(1, same=False)])
    assert "1 of 2 runs" in shown
    assert shown.splitlines()[-2:] == ["| 0 | the same | intact | 99 |", "| 1 | ANOTHER | south | 99 |"]
