"""What an alarm, a trial and a judgement lead to, and what is kept of it."""

import numpy as np
import pytest

from client.adaptation.drift_watch import Alarm, Watched
from client.adaptation.observations import DIRECTIONS, Observations
from client.adaptation.seen import WATCH, Seen, read_seen
from client.adaptation.stages import ENOUGH, Adaptation, Stage, after_judging, after_trial, after_watch
from client.store.head_store import HeadStore, StoredRecord
from shared.errors import HeadStoreError

WATCHING = Adaptation(head="old")
TRIED = Adaptation(head="old", stage=Stage.TRIED, refit="new", before=0.3, during=0.2)
JUDGED = Adaptation(head="new", stage=Stage.JUDGED, refit="new", before=0.3, during=0.2)


def observations(since):
    rows = np.zeros((500 + since, 4 + DIRECTIONS))
    rows[:, 0] = np.arange(len(rows))
    rows[:500, 1], rows[500:, 1] = 0.3, 0.2
    return Observations(rows=rows)


def alarmed(statistic="hits", began=500):
    alarm = Alarm(statistic=statistic, column=0, noticed=600, began=began, has_risen=False)
    return Watched(alarms=(alarm,), evidence={statistic: 2.0})


def watched(since, said, click_times=()):
    return after_watch(WATCHING, said, observations(since), np.array(click_times))


def test_without_an_alarm_watching_goes_on_and_says_how_far_it_is_from_one():
    state = watched(200, Watched(alarms=(), evidence={"hits": 0.25}))
    assert (state.stage, state.why) == (Stage.WATCHING, "no drift: evidence is 25% of what an alarm takes")


def test_an_alarm_leads_to_a_refit_once_enough_has_been_seen_since_the_change():
    early, late = watched(ENOUGH - 1, alarmed()), watched(ENOUGH, alarmed())
    assert early.stage is Stage.WATCHING
    assert "a refit waits for 1,000 observations, there are 999" in early.why
    assert (late.stage, late.before, late.during) == (Stage.REFITTING, pytest.approx(0.3), pytest.approx(0.2))


def test_a_change_of_clicks_began_when_the_list_was_shown():
    state = watched(ENOUGH, alarmed("clicks", began=1), click_times=[0.0, 500.0])
    assert (state.before, state.during) == (pytest.approx(0.3), pytest.approx(0.2))


@pytest.mark.parametrize(
    ("served", "is_tried", "stage"),
    [("old", True, Stage.TRIED), ("new", False, Stage.JUDGED), ("old", False, Stage.ROUND_WANTED)],
)
def test_a_trial_ends_with_the_better_head(served, is_tried, stage):
    assert after_trial(TRIED, served, is_tried=is_tried).stage is stage


@pytest.mark.parametrize(("gain", "stage"), [(0.30, Stage.WATCHING), (0.25, Stage.JUDGED), (0.19, Stage.ROUND_WANTED)])
def test_a_refitted_head_makes_up_for_half_of_the_loss_or_a_round_is_wanted(gain, stage):
    gains = gain + 0.05 * np.random.default_rng(1).choice([-1.0, 1.0], size=1_000)
    gains += gain - gains.mean()
    assert after_judging(JUDGED, gains).stage is stage


def test_a_head_is_not_judged_by_what_was_not_lost_nor_by_nothing():
    assert after_judging(Adaptation(head="new", stage=Stage.JUDGED), np.zeros(0)).stage is Stage.WATCHING
    assert after_judging(JUDGED, np.zeros(0)) == JUDGED


def test_what_was_seen_is_read_again(tmp_path):
    store = HeadStore(tmp_path)
    assert read_seen(store) is None
    Seen(state=TRIED, observations=observations(3), until=7).write(store)
    seen = read_seen(store)
    assert (seen.state, seen.until) == (TRIED, 7)
    np.testing.assert_array_equal(seen.observations.rows, observations(3).rows)


def test_a_damaged_record_is_one_sentence(tmp_path):
    HeadStore(tmp_path).write(WATCH, StoredRecord(arrays={}, facts={"state": {"stage": "lost"}}))
    with pytest.raises(HeadStoreError, match="'adaptation' is damaged"):
        read_seen(HeadStore(tmp_path))
