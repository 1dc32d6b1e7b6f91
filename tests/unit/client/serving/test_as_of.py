"""A list as of a moment is the list that was given then, whatever was reported since; what is not known is refused."""

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from client.data.feedback import FeedbackKind
from client.recommender.catalogue_update import NewItem
from client.recommender.recommender import ListQuery
from client.serving.journal import FileJournal
from client.serving.requests import CAME, Feedback, ListAnswer, ListRequest, item_to_json
from client.serving.service import RecommendService
from client.store.head_store import HeadStore
from shared.errors import InvalidRequest
from tests.unit.client.recommender.served_world import served_world

ITEMS = 40
NEW = NewItem(item_id="new", text="group2 item11 item12", category="fresh")
REQUESTS = (
    ListRequest(user="u5", k=ITEMS),
    ListRequest(k=ITEMS),
    ListRequest(user="visitor", session=("30", "31"), k=ITEMS),
    ListRequest(user="u6", session=("30", "31"), k=ITEMS, basket=True),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    served_world(timed=True, baskets=True).write(HeadStore(tmp_path / "heads"))
    return tmp_path


def opened(folder: Path) -> RecommendService:
    return RecommendService(HeadStore(folder / "heads"), FileJournal(folder / "reports.log"))


def events(item: str, count: int, kind: str = "clicked", user: str = "") -> list[Feedback]:
    now = time.time()
    return [
        Feedback(
            event_id=f"{item}-{kind}-{user}-{number}",
            user=user or f"r{number}",
            item=item,
            kind=FeedbackKind(kind),
            time=now,
        )
        for number in range(count)
    ]


def lists(service: RecommendService, as_of: float | None = None) -> list[ListAnswer]:
    return [service.recommend(replace(one, as_of=as_of)) for one in REQUESTS]


def require_alike(first: list[ListAnswer], second: list[ListAnswer]) -> None:
    for one, other in zip(first, second, strict=True):
        assert [item.item for item in one.items] == [item.item for item in other.items]
        assert [item.score for item in one.items] == pytest.approx([item.score for item in other.items], abs=1e-4)
        assert (one.basis, one.unknown_items, one.head) == (other.basis, other.unknown_items, other.head)


def after_some_reports(service: RecommendService) -> tuple[float, list[ListAnswer]]:
    """A moment, and the lists that were given at it."""
    service.report([*events("7", 5), *events("8", 3, "shown"), *events("9", 1, user="u5")])
    given = lists(service)
    return time.time(), given


def much_later(service: RecommendService) -> None:
    service.report([*events("30", 40), *events("8", 40, "shown"), *events("12", 1, "disliked", "u5")])
    service.report(events("33", 2, user="visitor"))
    service.upsert([NEW])
    service.report(events("new", 50))


def test_gives_the_list_that_was_given_whatever_was_reported_since(folder: Path) -> None:
    service = opened(folder)
    moment, given = after_some_reports(service)
    much_later(service)
    now = lists(service)
    assert all(one.items != other.items for one, other in zip(given, now, strict=True))
    require_alike(lists(service, moment), given)
    require_alike(lists(opened(folder), moment), given)
    require_alike(lists(service), now)


def test_gives_the_list_of_another_moment_next(folder: Path) -> None:
    service = opened(folder)
    first = (time.time(), lists(service))
    second = after_some_reports(service)
    much_later(service)
    for moment, given in (first, second, first):
        require_alike(lists(service, moment), given)


def test_what_comes_at_the_moment_does_not_count(folder: Path) -> None:
    ticking = [time.time() + 10]
    service = RecommendService(HeadStore(folder / "heads"), FileJournal(folder / "r.log"), clock=lambda: ticking[0])
    before = lists(service)
    service.report(events("7", 30))
    moment = ticking[0]
    ticking[0] += 10
    require_alike(lists(service, moment), before)
    assert lists(service, moment + 1)[1].items != before[1].items


def test_refuses_what_is_not_past_or_lies_before_the_head(folder: Path) -> None:
    service = opened(folder)
    with pytest.raises(InvalidRequest, match="as_of must lie in the past"):
        lists(service, time.time() + 60)
    with pytest.raises(InvalidRequest, match=r"must not lie before .* when the head that is served was stored"):
        lists(service, time.time() - 60)


@pytest.mark.parametrize("wrong", [0.0, -1.0, 1e12, float("nan"), float("inf")])
def test_refuses_what_is_no_moment(wrong: float) -> None:
    with pytest.raises(InvalidRequest, match="as_of must be seconds since 1970") as error:
        ListRequest(as_of=wrong)
    assert ("milliseconds have to be divided" in str(error.value)) == (wrong > 1)


def test_items_are_as_old_as_they_were_at_the_moment(folder: Path) -> None:
    (record,) = (folder / "heads").glob("served*")
    long_ago = time.time() - 100 * 86_400
    os.utime(record, (long_ago, long_ago))
    ticking = [long_ago + 3_600]
    service = RecommendService(HeadStore(folder / "heads"), FileJournal(folder / "r.log"), clock=lambda: ticking[0])
    service.upsert([replace(NEW, published=ticking[0])])
    ticking[0] = time.time()
    request = ListRequest(k=ITEMS + 1)
    when = {days: service.recommend(replace(request, as_of=long_ago + 7_200 + days * 86_400)) for days in (15, 90)}
    now = service.recommend(request)
    scores = {days: {one.item: one.score for one in found.items}["new"] for days, found in when.items()}
    assert scores[15] != pytest.approx(scores[90], abs=1e-3)
    require_alike([when[90]], [now])


def test_a_session_is_of_the_moment(tmp_path: Path) -> None:
    served_world(timed=True, repeats=True).write(HeadStore(tmp_path / "heads"))
    (record,) = (tmp_path / "heads").glob("served*")
    moment = time.time() - 100 * 86_400
    os.utime(record, (moment, moment))
    service = opened(tmp_path)
    found = service.recommend(ListRequest(user="u5", session=("30",), k=ITEMS, as_of=moment + 60)).items
    recommender = service._live.recommender
    history = np.append(recommender.history_of("u5"), np.int32(recommender.row_of_item["30"]))
    times = np.append(recommender.times_of("u5"), moment + 60)
    expected = recommender.recommend(history, ListQuery(k=ITEMS, moment=moment + 60), times)
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-4)


def test_a_moment_is_known_no_more_once_another_head_is_stored(folder: Path) -> None:
    service = opened(folder)
    moment, given = after_some_reports(service)
    require_alike(lists(service, moment), given)
    time.sleep(0.02)
    replace(served_world(timed=True, baskets=True), reports_until=9).write(HeadStore(folder / "heads"))
    with pytest.raises(InvalidRequest, match="when the head that is served was stored"):
        lists(service, moment)


def test_refuses_moments_before_a_user_was_forgotten(folder: Path) -> None:
    service = opened(folder)
    moment, _ = after_some_reports(service)
    lists(service, moment)
    service.forget("r1")
    for one in (service, opened(folder)):
        with pytest.raises(InvalidRequest, match="or a user was last forgotten"):
            lists(one, moment)
    time.sleep(0.01)
    now = time.time()
    time.sleep(0.01)
    require_alike(lists(opened(folder), now), lists(opened(folder)))


def test_refuses_a_journal_that_does_not_say_when_reports_came_until_the_next_fit(folder: Path) -> None:
    journal = FileJournal(folder / "reports.log")
    journal.append([one.to_json() for one in events("7", 3)])
    service, moment = opened(folder), time.time()
    with pytest.raises(InvalidRequest, match="this one does after the next fit"):
        lists(service, moment)
    replace(served_world(timed=True, baskets=True), reports_until=3).write(HeadStore(folder / "heads"))
    service.swap()
    given, moment = lists(service), time.time()
    much_later(service)
    require_alike(lists(service, moment), given)


def test_what_a_fit_has_taken_in_counts_though_nobody_knows_when_it_came(folder: Path) -> None:
    journal = FileJournal(folder / "reports.log")
    journal.append([item_to_json(NEW), *(one.to_json() for one in events("12", 1, "disliked", "u5"))])
    replace(served_world(timed=True, baskets=True), reports_until=2).write(HeadStore(folder / "heads"))
    service = opened(folder)
    for wanted in (ListRequest(user="u5", k=ITEMS + 1), ListRequest(k=ITEMS + 1)):
        given, moment = service.recommend(wanted), time.time()
        time.sleep(0.001)
        require_alike([service.recommend(replace(wanted, as_of=moment))], [given])
        assert "new" in [one.item for one in given.items]
    assert "12" not in [one.item for one in service.recommend(ListRequest(user="u5", k=ITEMS, as_of=moment)).items]


def test_an_entry_in_the_place_of_removed_ones_says_nothing(folder: Path) -> None:
    service = opened(folder)
    moment, given = after_some_reports(service)
    journal = FileJournal(folder / "reports.log")
    journal.append([one.to_json() for one in events("30", 1, user="gone")])
    assert journal.remove(lambda facts: facts.get("user") == "gone") == 1
    assert [one.facts["kind"] for one in journal.entries()][-1] == "removed"
    require_alike(lists(opened(folder), moment), given)


def test_every_entry_says_when_it_came(folder: Path) -> None:
    service, began = opened(folder), time.time()
    much_later(service)
    service.forget("u5")
    found = [entry.facts[CAME] for entry in FileJournal(folder / "reports.log").entries()]
    assert len(found) > 100
    assert began <= min(found) <= max(found) <= time.time()
