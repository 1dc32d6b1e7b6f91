"""When an event happened, as callers report it and as a journal of before holds it."""

from datetime import UTC, datetime

import pytest

from client.data.feedback import FeedbackKind
from client.data.source import read_folder
from client.recommender.catalogue_update import NewItem
from client.serving.http_shapes import FeedbackEvent, ItemBody
from client.serving.journal import JOURNAL, FileJournal, read_journal
from client.serving.reported_events import ReportedEvents
from client.serving.requests import Feedback, check_item
from client.serving.service import RecommendService
from client.store.head_store import HeadStore
from shared.errors import InvalidRequest
from tests.integration.tiny_folders import write_tiny_folder
from tests.unit.client.data.clicks import click_folder
from tests.unit.client.recommender.served_world import served_world

NOW = 1_700_000_000


def event(time, number=1, user="900"):
    return Feedback(event_id=f"e{number}", user=user, item="7", kind=FeedbackKind.CLICKED, time=time)


def journal_of(folder, *events):
    journal = FileJournal(folder / JOURNAL)
    journal.append([one.to_json() for one in events])
    journal.sync()
    return ReportedEvents(entries=read_journal(folder / JOURNAL))


@pytest.mark.parametrize("time", [NOW * 1000, NOW * 10**6, 5.0, 0.0, -1.0, float("nan"), float("inf")])
def test_refuses_what_is_not_seconds_of_our_time(tmp_path, time):
    served_world().write(HeadStore(tmp_path / "heads"))
    service = RecommendService(HeadStore(tmp_path / "heads"), FileJournal(tmp_path / JOURNAL))
    with pytest.raises(InvalidRequest, match="time must be seconds since 1970, of the years 1990 to 2099") as error:
        service.report([event(NOW, 1), event(time, 2)])
    assert ("milliseconds have to be divided" in str(error.value)) == (time > NOW)
    assert not read_journal(tmp_path / JOURNAL)


def test_the_gateway_says_so_too():
    body = {"event_id": "e", "user": "u", "item": "7", "kind": "clicked"}
    with pytest.raises(ValueError, match="time must be seconds since 1970, of the years 1990 to 2099"):
        FeedbackEvent(**body, time=NOW * 1000)
    assert FeedbackEvent(**body, time=NOW + 0.25).event().time == NOW + 0.25
    assert FeedbackEvent(**body).event().time > NOW


@pytest.mark.parametrize("years", [1, 1955, 1989, 2026, 2099])
def test_an_item_may_have_come_out_long_ago(tmp_path, years):
    served_world().write(HeadStore(tmp_path / "heads"))
    service = RecommendService(HeadStore(tmp_path / "heads"), FileJournal(tmp_path / JOURNAL))
    at = datetime(years, 1, 1, tzinfo=UTC).timestamp()
    service.upsert([NewItem(item_id="i", text="old", published=at)])
    assert read_journal(tmp_path / JOURNAL)[0].facts["published"] == at
    assert ItemBody(item="i", text="old", published=at).new_item().published == at


@pytest.mark.parametrize("published", [1999.0, -20_454.0, 20_454.0, 5.0, NOW * 1000, -NOW * 1000, float("nan")])
def test_refuses_what_is_no_time_at_which_an_item_came_out(published):
    sentence = "published must be seconds since 1970, negative before it, and neither a year nor a number of days"
    with pytest.raises(InvalidRequest, match=sentence) as error:
        check_item(NewItem(item_id="i", text="", published=published))
    assert ("milliseconds have to be divided" in str(error.value)) == (published > NOW)


def test_a_journal_that_holds_another_unit_is_read_as_that_unit(tmp_path):
    folder = read_folder(write_tiny_folder(tmp_path / "shop"))
    old = event(time=1_000_000_000_250)  # milliseconds of 2001, which were once taken
    found = journal_of(tmp_path, old, event(NOW, 2)).added_to(folder).events
    assert sorted(found.filter(user_id=900)["timestamp"]) == [1_000_000_000.25, NOW]
    served_world().write(HeadStore(tmp_path / "heads"))
    assert RecommendService(HeadStore(tmp_path / "heads"), FileJournal(tmp_path / JOURNAL)).head


def test_events_of_one_second_stay_in_their_order(tmp_path):
    folder = read_folder(write_tiny_folder(tmp_path / "shop"))
    found = journal_of(tmp_path, event(NOW + 0.9, 1), event(NOW + 0.1, 2)).added_to(folder).events
    assert found.filter(user_id=900)["timestamp"].to_list() == [NOW + 0.9, NOW + 0.1]


def test_impressions_still_meet_their_clicks_where_feedback_has_fractions(tmp_path):
    folder = read_folder(click_folder(tmp_path / "shop"))
    whole = journal_of(tmp_path, event(NOW + 0.5, user="0")).added_to(folder)
    assert whole.impressions.schema["timestamp"] == whole.events.schema["timestamp"]
    assert len(whole.impressions.join(whole.events, on=["user_id", "timestamp"])) == len(folder.impressions)
