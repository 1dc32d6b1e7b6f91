from dataclasses import replace

import numpy as np
import pytest

from client.ensemble.candidates import Candidate
from client.evaluation.lift import Interval
from client.gate.assessment import _worth, assessment, judged_method
from client.gate.expectation import KnownPair
from client.gate.gate import GateCandidate, GateVerdict, decide
from client.gate.transferability import TransferabilityScore
from shared.errors import DataError

LOCAL = (Candidate(name="fitted(1):computed", weights=np.zeros(1)),)
FEATURE = (Candidate(name="fitted(1):computed+received", weights=np.zeros(1)),)


def assessed(local, feature, related=None, others=(), content=1.0):
    """The assessment of a platform of whose users half choose."""
    validation = {LOCAL[0].name: local, FEATURE[0].name: feature}
    rng = np.random.default_rng(0)
    verdict = decide({"local": LOCAL, "feature": FEATURE}, validation, rng, {"feature": related})
    return assessment(verdict, {"local": local, "feature": feature}, 2 * len(local), rng, others, content=content)


def users(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(count) < 0.2, rng.random(count), 0.0)


def related(lift: float) -> TransferabilityScore:
    return TransferabilityScore(users=40, events=160, lift=lift, bound=lift - 10)


def test_says_yes_to_a_lift_beyond_noise_and_finds_it_in_the_interval():
    local = users(0, 1000)
    found = assessed(local, local * 1.2 + users(1, 1000) * 0.1)
    planted = 100 * (0.2 + 0.1 * users(1, 1000).mean() / local.mean())
    assert (found.served, found.answer) == ("feature", "yes")
    assert found.lift.mean == pytest.approx(planted)
    assert found.lift.low < planted < found.lift.high
    assert found.users_needed < found.users


def test_says_no_where_the_whole_interval_is_below_what_joining_should_bring():
    local = users(0, 1000)
    found = assessed(local, local * 0.9)
    assert found.answer == "no"
    assert "at most -10.0 %" in found.reason
    assert found.users_needed is None


def test_says_too_early_where_few_users_hide_a_lift_and_how_many_would_show_it():
    found = assessed(users(0, 40), users(0, 40) + users(3, 40) * 0.3 - users(2, 40) * 0.2)
    assert found.lift.low < 0 < found.lift.mean
    assert found.answer == "too early"
    assert found.users_needed > found.users


def test_says_no_to_few_users_whose_past_events_the_encoder_does_not_help():
    local, feature = users(0, 40), users(0, 40) + users(3, 40) * 0.3 - users(2, 40) * 0.2
    found = assessed(local, feature, related(-6.0))
    assert found.answer == "no"
    assert "160 past events" in found.reason


def test_serves_few_users_whose_past_events_the_encoder_helps_and_leaves_open_what_joining_is_worth():
    local, feature = users(0, 40), users(0, 40) + users(3, 40) * 0.3 - users(2, 40) * 0.2
    found = assessed(local, feature, related(18.0))
    assert found.served == "feature"
    assert found.lift.low < 0
    assert found.answer == "too early"


def test_gives_no_lift_where_local_found_nothing():
    found = assessed(np.zeros(40), users(1, 40))
    assert (found.lift, found.users_needed, found.answer) == (None, None, "too early")
    assert {"expected lift over local: unknown", "lift that these users show: unknown"} <= set(found.lines())


def known(number: int, *, lift: float, adds: float, shown: float, low: float, high: float) -> KnownPair:
    """A pair of many users whose `local` lives of content."""
    return KnownPair(
        name=f"pair-{number}",
        related="same catalogue",
        fraction=1.0,
        users=1000,
        error=1.0,
        content=1.0,
        lift=lift,
        adds=adds,
        shown=shown,
        low=low,
        high=high,
    )


def pairs(lift: float, adds: float) -> list[KnownPair]:
    """Four pairs of many users whose figures are much the same."""
    return [
        known(number, adds=adds + number, shown=lift / 2, lift=lift + number, low=lift - 1, high=lift + 1)
        for number in range(4)
    ]


def test_says_yes_to_few_users_where_pairs_that_showed_as_much_all_gained():
    local = users(0, 40)
    feature = local * 1.3 - users(2, 40) * 0.2
    found = assessed(local, feature, related(30.0), pairs(lift=40.0, adds=30.0))
    assert found.expected.low > 0
    assert found.nearest.name == "pair-0"
    assert found.answer == "yes"
    assert any("pair-0 (same catalogue, 100% of its users)" in line for line in found.lines())


def test_says_no_to_few_users_where_pairs_that_showed_as_much_gained_nothing():
    local, feature = users(0, 40), users(0, 40) + users(3, 40) * 0.3 - users(2, 40) * 0.2
    found = assessed(local, feature, TransferabilityScore(users=40, events=160, lift=1.0, bound=-9.0), pairs(0.0, 1.0))
    assert found.expected.high < 5
    assert found.answer == "no"


def few_who_show_no_lift():
    local = users(0, 40)
    return local, local + users(3, 40) * 0.3 - users(2, 40) * 0.4


def test_never_says_yes_to_users_who_would_be_served_local_but_why_there_is_hope():
    local, feature = few_who_show_no_lift()
    assert local.mean() > feature.mean()
    found = assessed(local, feature, related(30.0), unlike_pairs())
    assert found.expected.low < 0 < 5 < found.expected.mean
    assert (found.served, found.answer) == ("local", "too early")
    assert "with 99 % confidence the encoder adds" in found.reason
    assert "local would be served" in found.reason


def test_says_too_early_to_them_where_the_encoder_may_add_nothing_or_pairs_like_it_gained_little():
    local, feature = few_who_show_no_lift()
    unsure = TransferabilityScore(users=40, events=160, lift=30.0, bound=-1.0)
    assert assessed(local, feature, unsure, unlike_pairs()).answer == "too early"
    little = assessed(local, feature, related(10.2), unlike_pairs())
    assert 0 < little.expected.mean < 5
    assert little.answer == "too early"


def test_promises_less_where_local_needs_no_content():
    local, feature = few_who_show_no_lift()
    found = assessed(local, feature, related(30.0), unlike_pairs(), content=0.1)
    assert found.expected.mean < 5
    assert found.answer == "too early"
    score, content = found.lines()[6:8]
    assert score.startswith("transferability score: ")
    assert content == "content alone reaches: 10% of local's NDCG@10"


def unlike_pairs() -> list[KnownPair]:
    """Pairs to which an encoder that adds 30 % brought between -10 and +55 %."""
    return [
        known(number, adds=30.0, shown=0.0, lift=lift, low=0.0, high=1.0)
        for number, lift in enumerate((-10.0, 0.0, 20.0, 55.0))
    ]


def test_serves_a_small_lift_and_says_that_joining_is_not_worth_it():
    local = users(0, 4000)
    found = assessed(local, local * 1.02)
    assert (found.served, found.answer) == ("feature", "no")
    assert "at most +2.0 %" in found.reason


@pytest.mark.parametrize(
    ("forecast", "expected", "seen", "answer"),
    [
        ("yes", (10.0, 30.0), (-5.0, 20.0), "yes"),
        ("yes", (10.0, 30.0), (-20.0, -4.0), "too early"),
        ("yes", (10.0, 30.0), (-40.0, 20.0), "too early"),
        ("no", (10.0, 30.0), (-20.0, -4.0), "too early"),
        ("no", (-9.0, 30.0), (-20.0, -4.0), "too early"),
        ("no", (-9.0, 12.0), (-20.0, -4.0), "no"),
        ("no", (-9.0, 4.0), (-5.0, 40.0), "no"),
        ("too early", (-9.0, 30.0), (-5.0, 40.0), "too early"),
    ],
)
def test_what_is_said_of_joining_contradicts_no_interval_beside_it(forecast, expected, seen, answer):
    shown = {
        what: Interval(mean=(low + high) / 2, low=low, high=high)
        for what, (low, high) in (("expected", expected), ("seen", seen))
    }
    assert _worth(forecast, "so", shown, 5.0, serves=True)[0] == answer


def test_shows_the_nearest_pair_only_where_its_encoder_adds_about_as_much_and_users_leave_the_lift_open():
    local, feature = few_who_show_no_lift()
    known_pairs = pairs(lift=40.0, adds=30.0)
    assert assessed(local, feature, related(29.0), known_pairs).nearest.name == "pair-0"
    assert assessed(local, feature, related(45.0), known_pairs).nearest is None
    many = users(0, 1000)
    assert assessed(many, many * 1.2, related(30.0), known_pairs).nearest is None


def test_judges_the_method_that_is_served_or_the_best_of_those_that_are_not():
    verdict = GateVerdict(
        accepted=False,
        served="local",
        reason="",
        users=9,
        candidates={
            name: GateCandidate(ndcg=ndcg, lift=0.0, bound=-1.0)
            for name, ndcg in (("local", 0.4), ("federated", 0.2), ("federated-model", 0.3))
        },
    )
    assert judged_method(verdict) == "federated-model"
    assert judged_method(replace(verdict, accepted=True, served="federated")) == "federated"


def test_refuses_a_platform_that_could_fit_nothing_with_the_encoder():
    alone = {"local": GateCandidate(ndcg=0.4, lift=None, bound=None)}
    verdict = GateVerdict(accepted=False, served="local", reason="no method was there", users=9, candidates=alone)
    with pytest.raises(DataError, match="uses the encoder, and no method was there"):
        judged_method(verdict)
